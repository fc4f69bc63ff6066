import { Ajv2020 } from "ajv/dist/2020";
import { expect, test } from "vitest";

import { Collector, type Batch } from "../src/collect/collector";
import { batchIds } from "../src/collect/ids";
import { mediaOf } from "../src/collect/media";
import schema from "../src/wire/schema.json";
import { FakeClock } from "./fake-clock";

const ajv = new Ajv2020({ allErrors: true, formats: { "date-time": /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/ } });
ajv.addSchema(schema, "wire");
const bodies = { softphonemetrics: "StreamBody", apimetrics: "APIBody", callreport: "ReportBody" };

const pageId = "3f0c7a52-9d1e-4b6a-8c55-fffffffffffe";

/** A body as it is sent, which must be one that the pushers' types describe. */
function sent(batch: Batch | undefined): Record<string, unknown> {
  if (batch === undefined) throw new Error("there is no such batch");
  const body = JSON.parse(JSON.stringify({ ...batch.body, sentAt: "2026-11-25T09:00:00.000Z" })) as Record<string, unknown>;
  const validate = ajv.getSchema(`wire#/$defs/${bodies[batch.route]}`);
  expect(validate?.(body), JSON.stringify(validate?.errors)).toBe(true);
  return body;
}

function setup() {
  const clock = new FakeClock();
  const batches: Batch[] = [];
  const held: Batch[] = [];
  const collector = new Collector({
    instance: "berlin", pageId, device: { cpus: 8, browser: "Chrome", browserVersion: "143.0" }, clock,
    openPages: () => 1, privateIp: () => "x.local", put: (batch) => batches.push(batch), hold: (batch) => held.push(batch),
  });
  return { clock, collector, batches, held };
}

const second = (at: number, type = "audio_input", more = {}) => ({
  softphoneStreamType: type, timestamp: new Date(at), packetsLost: 0, packetsCount: 50, audioLevel: 900, jitterBufferMillis: 2, roundTripTimeMillis: 40, ...more,
});
const event = (contactId: string, stats: unknown) => ({ contactId, ccpVersion: "V2", stats });
const secret = "CANARY-turn-credential";
const callConfigJson = JSON.stringify({
  signalingEndpoint: `wss://user:${secret}@rtc.connect-telecom.eu-central-1.amazonaws.com/LilyRTC?token=${secret}`,
  iceServers: [{ urls: [`turn:${secret}@turn.example.com:3478?transport=udp`, "turns:turn.example.com:443"], username: secret, credential: secret }],
});

test("a batch of statistics goes at once, with what is known of its contact and without the call's secrets", () => {
  const { clock, collector, batches } = setup();
  collector.setAgent("kim", "Basic");
  collector.setContact("k", { queue: "Support", media: mediaOf(callConfigJson) });
  collector.addStats(event("k", [second(clock.now()), second(clock.now(), "audio_output", { roundTripTimeMillis: null, audioLevel: "12.5" })]));
  expect(batches).toHaveLength(1);
  const body = sent(batches[0]);
  expect(body).toMatchObject({
    agent: "kim", schemaVersion: 2, connectInstance: "berlin", pageId, batchId: "3f0c7a52-9d1e-4b6a-8c55-ffffffffffff", openPages: 1, contactId: "k", contactQueue: "Support",
    agentRoutingProfile: "Basic", agentPrivateIp: "x.local", signalingHost: "rtc.connect-telecom.eu-central-1.amazonaws.com",
    iceHosts: ["turn:turn.example.com:3478", "turns:turn.example.com:443"],
  });
  expect(body["softphoneStreamStatistics"]).toMatchObject([{ audioLevel: 900, roundTripTimeMillis: 40 }, { audioLevel: 12.5, roundTripTimeMillis: null }]);
  expect(JSON.stringify(body)).not.toContain(secret);
});

test("two contacts at once: a statistic belongs to the contact that its event names", () => {
  const { clock, collector, batches } = setup();
  collector.setAgent("kim", undefined);
  collector.setContact("k", { queue: "Support" });
  collector.setContact("l", { queue: "Sales" });
  collector.addStats(event("l", [second(clock.now())]));
  collector.addStats(event("k", [second(clock.now())]));
  expect(batches.map(sent)).toMatchObject([{ contactId: "l", contactQueue: "Sales" }, { contactId: "k", contactQueue: "Support" }]);
});

test("each second says whether it was muted and on hold, by its own instant; what nobody knows is left out", async () => {
  const { clock, collector, batches } = setup();
  collector.setAgent("kim", undefined);
  const began = clock.now();
  await clock.pass(2000);
  collector.setMuted(false);
  collector.setOnHold("k", false);
  await clock.pass(2000);
  collector.setMuted(true);
  await clock.pass(2000);
  collector.setOnHold("k", true);
  collector.setMuted(undefined);
  collector.addStats(event("k", [0, 2000, 4500, 6000].map((after) => second(began + after))));
  const states = (sent(batches[0])["softphoneStreamStatistics"] as Record<string, unknown>[]).map(({ muted, onHold }) => [muted, onHold]);
  expect(states).toEqual([[undefined, undefined], [false, false], [true, false], [undefined, true]]);
});

test("twenty minutes of a hidden tab in one burst keep their instants and are cut to what a body may hold", () => {
  const { clock, collector, batches } = setup();
  collector.setAgent("kim", undefined);
  const began = clock.now() - 1_200_000;
  collector.addStats(event("k", Array.from({ length: 1201 }, (_, i) => second(began + i * 1000))));
  expect(batches.map((batch) => batch.records)).toEqual([500, 500, 201]);
  const all = batches.flatMap((batch) => sent(batch)["softphoneStreamStatistics"] as { timestamp: string }[]);
  expect(all.map(({ timestamp }) => Date.parse(timestamp) - began)).toEqual(Array.from({ length: 1201 }, (_, i) => i * 1000));
});

const slow = { name: "getAgentSnapshot", time: 25_000 };
const names = (batch: Batch | undefined) => (sent(batch)["API_METRIC"] as { name: string }[]).map(({ name }) => name);

test("an API metric that failed goes at the next 30 s, with all that wait, however the system's clock is moved", async () => {
  const { clock, collector, batches, held } = setup();
  collector.setAgent("kim", undefined);
  collector.addMetric({ name: "acceptContact", time: 120, error: false, error5xx: 1, optionalDimensions: [{ name: "RetryStatus", value: "x" }, { name: "HttpStatusCode", value: 503 }] });
  collector.addMetric(slow);
  await clock.pass(29_000);
  clock.jump(37 * 60_000);
  expect(batches).toHaveLength(0);
  await clock.pass(1000);
  expect(sent(batches[0])["API_METRIC"]).toMatchObject([
    { name: "acceptContact", timestamp: "2026-11-25T09:00:00.000Z", time: 120, error: true, fault: false, optionalDimensions: [{ name: "HttpStatusCode", value: 503 }] },
    { name: "getAgentSnapshot" },
  ]);
  await clock.pass(300_000);
  expect([batches.length, held.length]).toEqual([1, 0]); // never an empty list
});

test("API metrics of which none failed are held, each time whole and under one id, and go when the first is two minutes old", async () => {
  const { clock, collector, batches, held } = setup();
  collector.setAgent("kim", undefined);
  await clock.pass(1000);
  collector.addMetric(slow);
  await clock.pass(29_000);
  expect([batches.length, held.map(names)]).toEqual([0, [["getAgentSnapshot"]]]);
  collector.addMetric({ name: "acceptContact", time: 80 });
  await clock.pass(60_000);
  expect([batches.length, held.map((batch) => names(batch).length)]).toEqual([0, [1, 2, 2]]);
  await clock.pass(30_000);
  expect(batches.map(names)).toEqual([["getAgentSnapshot", "acceptContact"]]);
  expect(new Set([...held, ...batches].map((batch) => batch.body.batchId)).size).toBe(1);
  collector.addMetric(slow);
  await clock.pass(30_000);
  expect(held.at(-1)?.body.batchId).not.toBe(batches[0]?.body.batchId);
});

test("API metrics that wait go with a call's report, with the page, and at 500", () => {
  const { collector, batches } = setup();
  collector.setAgent("kim", undefined);
  collector.addMetric(slow);
  collector.addReport({ contactId: "k", report: {} });
  expect(batches.map((batch) => batch.route)).toEqual(["callreport", "apimetrics"]);
  collector.addMetric(slow);
  collector.flush();
  collector.flush();
  expect(batches).toHaveLength(3);
  for (let i = 0; i < 501; i++) collector.addMetric(slow);
  expect(batches.slice(3).map((batch) => batch.records)).toEqual([500]);
});

test("the ids of batches are its page's, counted on", () => {
  const next = batchIds(pageId);
  expect([next(), next(), next()].map((id) => id.slice(-13))).toEqual(["-ffffffffffff", "-000000000000", "-000000000001"]);
  expect(batchIds(crypto.randomUUID())()).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
});

test("nothing goes without the agent's name; what has waited goes with it", async () => {
  const { clock, collector, batches, held } = setup();
  collector.addMetric({ name: "createTransport", time: 5 });
  collector.addStats(event("k", [second(clock.now())]));
  collector.setAgent("", undefined);
  await clock.pass(120_000);
  expect([batches.length, held.length]).toEqual([0, 0]);
  collector.setAgent("kim", "Basic");
  expect(batches.map((batch) => [batch.route, sent(batch)["agent"]])).toEqual([["softphonemetrics", "kim"], ["apimetrics", "kim"]]);
});

test("the report goes as the library made it, without the call's configuration", () => {
  const { clock, collector, batches } = setup();
  collector.setAgent("kim", undefined);
  const report = { callStartTime: new Date(clock.now()), gumTimeMillis: 7, softphoneStreamPerSecondStatistics: { AUDIO_INPUT: { packetsCount: [50] } }, callConfigJson };
  collector.addReport({ contactId: "k", ccpVersion: "V2", report });
  const body = sent(batches[0]);
  expect(body).toMatchObject({ contactId: "k", numberofCpu: 8, agentBrowserName: "Chrome", ccpVersion: "V2", report: { callStartTime: "2026-11-25T09:00:00.000Z", gumTimeMillis: 7 } });
  expect(JSON.stringify(body)).not.toContain(secret);
});

test("a bad call is marked in every body of the contact from then on, and in no other's", async () => {
  const { clock, collector, batches } = setup();
  collector.setAgent("kim", undefined);
  collector.addStats(event("k", [second(clock.now())]));
  await clock.pass(4000);
  collector.mark("k");
  collector.addStats(event("k", [second(clock.now())]));
  collector.addStats(event("l", [second(clock.now())]));
  collector.addReport({ contactId: "k", report: {} });
  const mark = ["2026-11-25T09:00:04.000Z"];
  expect(batches.map((batch) => sent(batch)["markedBadAt"])).toEqual([undefined, mark, undefined, mark]);
});

test("a mark after the report is a body of its own, without a report", async () => {
  const { clock, collector, batches } = setup();
  collector.setAgent("kim", undefined);
  collector.setContact("k", { queue: "Orders" });
  collector.mark("k");
  collector.addReport({ contactId: "k", report: {} });
  await clock.pass(2000);
  collector.mark("k");
  expect(batches.map((batch) => batch.route)).toEqual(["callreport", "callreport"]);
  const late = sent(batches[1]);
  expect(late).toMatchObject({ contactId: "k", contactQueue: "Orders", markedBadAt: ["2026-11-25T09:00:00.000Z", "2026-11-25T09:00:02.000Z"] });
  expect(late).not.toHaveProperty("report");
});

test.each([
  ["no event at all", {}],
  ["a contact that is none", event("", [second(0)])],
  ["a contact of 129 bytes", event("x".repeat(129), [second(0)])],
  ["no list", event("k", "x")],
  ["records that are none", event("k", [null, 7, {}, { softphoneStreamType: "audio_input", timestamp: new Date(NaN) }, second(0, "video_input")])],
])("%s: nothing is sent and nothing thrown", (_, stats) => {
  const { collector, batches } = setup();
  collector.setAgent("kim", undefined);
  collector.addStats(stats);
  collector.addReport({ contactId: "k", report: 7 });
  collector.addMetric({ name: 7 });
  collector.flush();
  expect(batches).toHaveLength(0);
});

test.each(["", "x", "null", "[]", '{"iceServers":7}', '{"iceServers":[{"urls":[7,"http://x","turn:a@b?x@y"]}],"signalingEndpoint":"x"}', 7, null])(
  "a configuration that nobody can read (%s) shows nothing",
  (config) => {
    expect(mediaOf(config)).toEqual({});
  },
);
