import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

import { Calls, pastCalls, rememberCall } from "../src/quality/calls";
import { judge } from "../src/quality/judge";
import { mosOf, oneWay, qualityOf, rate } from "../src/quality/mos";
import { findTrouble } from "../src/quality/trouble";
import type { StreamRecord } from "../src/wire/types.gen";

const testdata = (name: string): unknown => JSON.parse(readFileSync(new URL(`../../internal/telemetry/testdata/${name}`, import.meta.url), "utf8"));
const began = Date.parse("2026-11-24T08:59:00Z");
const second = (i: number, more: Partial<StreamRecord> = {}): StreamRecord => ({
  softphoneStreamType: "audio_input", timestamp: new Date(began + i * 1000).toISOString(), packetsLost: 0, packetsCount: 50, audioLevel: 900,
  jitterBufferMillis: 2, roundTripTimeMillis: 40, ...more,
});
const output = { softphoneStreamType: "audio_output" } as const;
const run = (n: number, more: Partial<StreamRecord> = {}): StreamRecord[] => Array.from({ length: n }, (_, i) => second(i, more));

interface Vector { roundTripMillis: number; jitterMillis: number; lost: number; received: number; lossPercent: number; r: number; mos: number; quality: string }

test.each(testdata("vectors/mos.json") as Vector[])("the score is the pushers' ($r)", (row) => {
  const r = rate(oneWay(row.roundTripMillis, 2 * row.jitterMillis), row.lossPercent);
  expect(r).toBeCloseTo(row.r, 4);
  expect(mosOf(r)).toBeCloseTo(row.mos, 4);
  expect(qualityOf(mosOf(r))).toBe(row.quality);
  const judged = judge([second(0, { packetsLost: row.lost, packetsCount: row.received, jitterBufferMillis: row.jitterMillis, roundTripTimeMillis: row.roundTripMillis })]);
  expect(judged.input[0]?.mos).toBeCloseTo(row.mos, 4);
});

const families = Object.entries(testdata("jitter-three-families.json") as Record<string, { softphoneStreamStatistics?: StreamRecord[] }>);

test.each(families.filter(([, body]) => body.softphoneStreamStatistics !== undefined))("jitter of %s is read as the pushers read it", (name, body) => {
  const { input, output } = judge(body.softphoneStreamStatistics ?? []);
  for (const group of [input, output]) {
    group.forEach((it, i) => {
      if (name === "buffer_delay_single_record") expect(it.jitterMillis).toBeUndefined();
      else if (name.startsWith("buffer_delay")) expect(it.jitterMillis ?? (i === 0 ? 60 : NaN), `second ${i}`).toBeCloseTo(60, 3);
      else expect(it.jitterMillis).toBe(it.record.jitterBufferMillis);
      expect(it.mos ?? 4.5).toBeGreaterThan(4);
    });
  }
});

test("the first sample of a connection, which holds all before it, takes no part", () => {
  expect(judge([second(0, { packetsCount: 9000, packetsLost: 900 })]).input[0]?.mos).toBeUndefined();
});

test("a direction without a round trip borrows that of the other, within two seconds", () => {
  const judged = judge([second(0, { roundTripTimeMillis: null }), second(1, output), second(9, { roundTripTimeMillis: null })]);
  expect(judged.input.map((it) => it.mos === undefined)).toEqual([false, true]);
});

test.each([
  ["a good call", [...run(30), ...run(30, output)], []],
  ["no sound", [...run(30, { packetsCount: 0 }), ...run(30, output)], ["nothing_received"]],
  ["no sound on hold", [...run(30, { packetsCount: 0, onHold: true }), ...run(30, output)], []],
  ["a silent microphone", [...run(30), ...run(30, { ...output, audioLevel: 0 })], ["silent_microphone"]],
  ["a silent microphone that is muted", [...run(30), ...run(30, { ...output, audioLevel: 0, muted: true })], []],
  ["a level that nobody knows", [...run(30), ...run(30, { ...output, audioLevel: null })], []],
  ["nothing leaves", [...run(30), ...run(30, { ...output, packetsCount: 0 })], ["nothing_sent"]],
  ["loss both ways", [...run(30, { packetsLost: 5 }), ...run(30, { ...output, packetsLost: 5 })], ["network_both"]],
  ["loss of what is heard", [...run(30, { packetsLost: 5 }), ...run(30, output)], ["network_heard"]],
  ["jitter of what is sent", [...run(30), ...run(30, { ...output, jitterBufferMillis: 45 })], ["network_sent"]],
  ["a long way", [...run(30, { roundTripTimeMillis: 420 }), ...run(30, { ...output, roundTripTimeMillis: 420 })], ["round_trip"]],
  ["too short to tell", run(3, { packetsCount: 0 }), []],
])("%s: the agent is told what is the matter", (_, records, trouble) => {
  expect(findTrouble(judge(records))).toEqual(trouble);
});

test("a call is shown with its newest scores and remembered with those of all of it", () => {
  let now = began;
  const calls = new Calls(() => now);
  calls.see("k", { queue: "Support", connected: true });
  calls.addSeconds("k", [...run(30), ...run(30, output)]);
  calls.addSeconds("unknown", run(1));
  calls.mark("k");
  expect(calls.views()).toMatchObject([{ contactId: "k", queue: "Support", connected: true, marks: 1, trouble: [] }]);
  expect(calls.views()[0]?.heardMos).toBeCloseTo(4.3879, 3);
  now += 31_000;
  const past = calls.end("k");
  expect(past).toMatchObject({ seconds: 30, marks: 1, queue: "Support", endedAt: now });
  expect(calls.end("k")).toBeUndefined();
  const memory = new Map<string, string>();
  const storage = { getItem: (key: string) => memory.get(key) ?? null, setItem: (key: string, value: string) => void memory.set(key, value) };
  for (let i = 0; i < 12; i++) if (past !== undefined) rememberCall({ ...past, contactId: `c${i}` }, storage);
  expect(pastCalls(storage).map((call) => call.contactId)).toEqual(["c11", "c10", "c9", "c8", "c7", "c6", "c5", "c4", "c3", "c2"]);
});

test.each(["", "x", "7", '[{"contactId":7}]', '[null,{"contactId":"a","endedAt":1,"seconds":1,"marks":0,"heardMos":"<img>"}]'])("what storage holds is not trusted: %s", (text) => {
  expect(pastCalls({ getItem: () => text })).toEqual([]);
});
