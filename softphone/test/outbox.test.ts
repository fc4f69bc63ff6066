import { IDBFactory } from "fake-indexeddb";
import { gunzipSync } from "node:zlib";
import { beforeEach, expect, test } from "vitest";
import "fake-indexeddb/auto";

import type { Batch } from "../src/collect/collector";
import { Outbox, type Exclusive, type OutboxState } from "../src/outbox/outbox";
import { gzip, type Wire } from "../src/outbox/post";
import { memoryStore, openStore, type Limits, type Store } from "../src/outbox/store";
import { FakeClock, settle } from "./fake-clock";

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});

const api = "https://api.example/v1";
const batch = (n: number, records = 60): Batch => ({
  route: "softphonemetrics", records,
  body: { agent: "kim", schemaVersion: 2, connectInstance: "berlin", pageId: "p", openPages: 1, batchId: `b-${n}`, contactId: "k", softphoneStreamStatistics: [] },
});

interface Post { batchId: string; agent: string; at: number; droppedRecords: number | undefined; sentAt: string; init: RequestInit }

/** The telemetry API: its answers are taken from a list, and then it takes everything. */
class Api {
  readonly posts: Post[] = [];
  answers: (Response | Error | Promise<Response>)[] = [];

  constructor(private readonly clock: FakeClock) {}

  readonly fetch = async (url: RequestInfo | URL, init: RequestInit = {}): Promise<Response> => {
    expect(url).toBe(`${api}/softphonemetrics`);
    const body = init.body instanceof Blob ? gunzipSync(Buffer.from(await init.body.arrayBuffer())).toString() : init.body;
    const { batchId, agent, droppedRecords, sentAt } = JSON.parse(body as string) as Post;
    this.posts.push({ batchId, agent, droppedRecords, sentAt, at: this.clock.monotonic(), init });
    const answer = this.answers.shift() ?? taken();
    if (answer instanceof Error) throw answer;
    return answer;
  };

  ids(): string[] {
    return this.posts.map((post) => post.batchId);
  }
}

const taken = () => Response.json({ accepted: 60, rejected: [] }, { status: 202 });
const refusal = (status: number, headers = {}) => Response.json({ code: "x" }, { status, headers });
const alone: Exclusive = (work) => work();

async function setup(more: { store?: Promise<Store>; exclusive?: Exclusive; clock?: FakeClock; api?: Api; gzip?: Wire["gzip"] } = {}) {
  const clock = more.clock ?? new FakeClock();
  const telemetry = more.api ?? new Api(clock);
  const states: OutboxState[] = [];
  const store = more.store ?? openStore("earshot", () => clock.now());
  const outbox = new Outbox({
    api, fetch: telemetry.fetch, gzip: more.gzip ?? (() => Promise.resolve(undefined)), clock, random: () => 0.5, store, exclusive: more.exclusive ?? alone, changed: (state) => states.push(state),
  });
  return { clock, telemetry, outbox, store: await store, states };
}

/** Lets compression, which runs beside the event loop, come to its end. */
async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !holds(); i++) await settle();
  expect(holds()).toBe(true);
}

test("a batch goes at once, compressed, and is forgotten after its acknowledgement only", async () => {
  const { clock, telemetry, outbox, store } = await setup({ gzip });
  let acknowledge: (answer: Response) => void = () => undefined;
  telemetry.answers = [new Promise((resolve) => { acknowledge = resolve; })];
  await outbox.put(batch(1));
  await until(() => telemetry.posts.length === 1);
  expect(telemetry.posts[0]?.init.headers).toMatchObject({ "content-encoding": "gzip" });
  expect(telemetry.posts[0]?.sentAt).toBe("2026-11-25T09:00:00.000Z");
  expect(await store.count()).toBe(1);
  acknowledge(taken());
  await settle();
  expect(await store.count()).toBe(0);
  await clock.pass(600_000);
  expect(telemetry.ids()).toEqual(["b-1"]);
  expect(outbox.state).toMatchObject({ is: "idle", kept: 0 });
});

test.each([
  ["no network", new TypeError("offline")], ["an error of the server", refusal(500)], ["too many", refusal(429)], ["a full queue", refusal(503)],
])("%s: the batch stays and is sent again, later each time, under the same id", async (_, answer) => {
  const { clock, telemetry, outbox, store } = await setup();
  telemetry.answers = [answer, answer instanceof Error ? answer : answer.clone(), answer instanceof Error ? answer : answer.clone()];
  await outbox.put(batch(1));
  await until(() => telemetry.posts.length === 1);
  expect(await store.count()).toBe(1);
  for (const posts of [2, 3, 4]) {
    await clock.pass(posts === 2 ? 1000 : posts === 3 ? 2000 : 4000);
    await until(() => telemetry.posts.length === posts);
  }
  const gaps = telemetry.posts.slice(1).map((post, i) => post.at - (telemetry.posts[i]?.at ?? 0));
  expect(gaps).toEqual([750, 1500, 3000]);
  expect(new Set(telemetry.ids())).toEqual(new Set(["b-1"]));
  await settle();
  expect(await store.count()).toBe(0);
});

test("retry-after is waited for", async () => {
  const { clock, telemetry, outbox } = await setup();
  telemetry.answers = [refusal(503, { "retry-after": "90" })];
  await outbox.put(batch(1));
  await until(() => telemetry.posts.length === 1);
  await clock.pass(89_000);
  expect(telemetry.posts).toHaveLength(1);
  await clock.pass(3000);
  await until(() => telemetry.posts.length === 2);
});

test("back online it does not wait the rest of its delay", async () => {
  const { clock, telemetry, outbox } = await setup();
  telemetry.answers = [refusal(503, { "retry-after": "600" })];
  await outbox.put(batch(1));
  await until(() => telemetry.posts.length === 1);
  await clock.pass(5000);
  outbox.wake(true);
  await clock.pass(600);
  await until(() => telemetry.posts.length === 2);
});

test("after an outage: new batches at once, old ones one a second, each exactly once", async () => {
  const { clock, telemetry, outbox, store } = await setup();
  telemetry.answers = [new TypeError("offline")];
  await outbox.put(batch(1));
  await until(() => telemetry.posts.length === 1);
  await outbox.put(batch(2));
  await outbox.put(batch(3));
  await clock.pass(800);
  await until(() => telemetry.posts.length >= 3);
  await outbox.put(batch(4));
  await clock.pass(10_000);
  await until(() => telemetry.posts.length === 5);
  expect([...telemetry.ids()].sort()).toEqual(["b-1", "b-1", "b-2", "b-3", "b-4"]);
  await settle();
  expect(await store.count()).toBe(0);
});

test("a reload: what the earlier page left is sent by the next, no faster than one a second", async () => {
  const clock = new FakeClock();
  const before = await openStore("earshot", () => clock.now());
  for (const n of [1, 2, 3]) {
    await before.add({ api, route: "softphonemetrics", body: JSON.stringify(batch(n).body), records: 60, keptAt: clock.now() });
  }
  const { telemetry, outbox } = await setup({ clock });
  outbox.wake();
  for (const posts of [1, 2, 3]) {
    await until(() => telemetry.posts.length === posts);
    await clock.pass(1000);
  }
  const gaps = telemetry.posts.slice(1).map((post, i) => post.at - (telemetry.posts[i]?.at ?? 0));
  expect(gaps).toEqual([1000, 1000]);
  expect(telemetry.ids()).toEqual(["b-1", "b-2", "b-3"]);
});

test.each([400, 413, 415, 422])("poison (%i) is given up, counted and told, and does not stand in the way", async (status) => {
  const { telemetry, outbox, store } = await setup();
  telemetry.answers = [refusal(status)];
  await outbox.put(batch(1, 7));
  await until(() => telemetry.posts.length === 1);
  await outbox.put(batch(2));
  await until(() => telemetry.posts.length === 2);
  expect(telemetry.posts.map((post) => post.droppedRecords)).toEqual([undefined, 7]);
  await settle();
  await outbox.put(batch(3));
  await until(() => telemetry.posts.length === 3);
  expect(telemetry.posts[2]?.droppedRecords).toBeUndefined();
  await settle();
  expect(await store.count()).toBe(0);
});

test("a way that is barred costs no batch", async () => {
  const { clock, telemetry, outbox, store } = await setup();
  telemetry.answers = [refusal(403)];
  await outbox.put(batch(1));
  await until(() => telemetry.posts.length === 1);
  await until(() => outbox.state.is === "barred");
  expect(await store.count()).toBe(1);
  await clock.pass(60_000);
  expect(telemetry.posts).toHaveLength(1);
  await clock.pass(300_000);
  await until(() => telemetry.posts.length === 2);
});

test("410 stops: nothing is sent or kept any more, and the page is told", async () => {
  const { clock, telemetry, outbox, store, states } = await setup();
  telemetry.answers = [refusal(410)];
  await outbox.put(batch(1));
  await until(() => outbox.state.is === "stopped");
  await outbox.put(batch(2));
  outbox.leave();
  await outbox.put(batch(3));
  outbox.stay();
  outbox.wake(true);
  await clock.pass(3_600_000);
  expect(telemetry.posts).toHaveLength(1);
  expect(await store.count()).toBe(1);
  expect(states.at(-1)).toMatchObject({ is: "stopped", status: 410 });
});

test("records that the API refused of a good batch are counted", async () => {
  const { telemetry, outbox } = await setup();
  telemetry.answers = [Response.json({ accepted: 58, rejected: [{ index: 1 }, { index: 2 }] }, { status: 207 })];
  await outbox.put(batch(1));
  await until(() => outbox.state.refused === 2);
});

test("leaving: small batches outlive the page, large ones wait in the outbox", async () => {
  const { telemetry, outbox, store } = await setup();
  outbox.leave();
  void outbox.put(batch(1));
  const large = batch(2);
  void outbox.put({ ...large, body: { ...large.body, agent: "x".repeat(70_000) } });
  await until(() => telemetry.posts.length === 1);
  expect(telemetry.posts[0]?.init.keepalive).toBe(true);
  await settle();
  expect([telemetry.posts.length, await store.count()]).toEqual([1, 2]);
});

test("leaving: what the store has not kept yet is sent past the page's end", async () => {
  const { telemetry, outbox } = await setup({ store: Promise.resolve({ ...memoryStore(() => 0), add: () => new Promise(() => undefined) }) });
  void outbox.put(batch(1));
  expect(telemetry.posts).toHaveLength(0);
  outbox.leave();
  await until(() => telemetry.posts.length === 1);
  expect([telemetry.ids(), telemetry.posts[0]?.init.keepalive]).toEqual([["b-1"], true]);
});

test("a page that is shown again sends what it kept when it was left", async () => {
  const { telemetry, outbox, store } = await setup();
  telemetry.answers = [new Error("the network is gone")];
  outbox.leave();
  await outbox.put(batch(1));
  outbox.stay();
  await until(() => telemetry.posts.length === 2);
  await settle();
  expect([telemetry.ids(), await store.count()]).toEqual([["b-1", "b-1"], 0]);
});

const growing = (records: number): Batch => ({ ...batch(1, records), body: { ...batch(1).body, agent: `kim-${records}` } });

test("what is held is kept whole and not sent, until it is put in its own place", async () => {
  const { clock, telemetry, outbox, store } = await setup();
  for (const records of [1, 2, 3]) {
    await outbox.hold(growing(records));
    await clock.pass(30_000);
  }
  expect([telemetry.posts.length, await store.count()]).toEqual([0, 1]);
  await outbox.put(batch(2)); // others go meanwhile
  await until(() => telemetry.posts.length === 1);
  await outbox.put(growing(4));
  await until(() => telemetry.posts.length === 2);
  await settle();
  expect([telemetry.ids(), await store.count(), outbox.state.is]).toEqual([["b-2", "b-1"], 0, "idle"]);
  expect(telemetry.posts[1]?.agent).toBe("kim-4");
});

test("hold and put at once fall into one place", async () => {
  const { telemetry, outbox, store } = await setup();
  await Promise.all([outbox.hold(growing(1)), outbox.hold(growing(2)), outbox.put(growing(3))]);
  await until(() => telemetry.posts.length === 1);
  await settle();
  expect([telemetry.ids(), await store.count()]).toEqual([["b-1"], 0]);
});

test("what a page held that was killed is sent by the next, once the hold is over", async () => {
  const clock = new FakeClock();
  const before = await setup({ clock });
  await before.outbox.hold(growing(2));
  const { telemetry, outbox, store } = await setup({ clock });
  outbox.wake();
  await clock.pass(60_000);
  expect(telemetry.posts).toHaveLength(0);
  await clock.pass(30_000);
  await outbox.hold(batch(9)); // as a living page does
  await until(() => telemetry.posts.length === 1);
  expect([telemetry.ids(), await store.count()]).toEqual([["b-1"], 1]);
});

test("a hold that a clock wrote which was set back since is none", async () => {
  const { clock, telemetry, outbox } = await setup();
  await outbox.hold(batch(1));
  clock.jump(-3_600_000);
  outbox.wake();
  await until(() => telemetry.posts.length === 1);
});

test("leaving: what was held is kept once", async () => {
  const { telemetry, outbox, store } = await setup();
  await outbox.hold(growing(1));
  outbox.leave();
  await outbox.put(growing(2));
  await until(() => telemetry.posts.length === 1);
  await settle();
  expect([await store.count(), (await store.oldest())?.records]).toEqual([1, 2]);
});

test("a hold that fails costs nothing: all of it comes again", async () => {
  const memory = memoryStore(() => 0);
  let failures = 1;
  const { telemetry, outbox } = await setup({ store: Promise.resolve({ ...memory, add: (entry, key) => (failures-- > 0 ? Promise.reject(new DOMException("full", "QuotaExceededError")) : memory.add(entry, key)) }) });
  await outbox.hold(growing(1));
  await outbox.put(growing(2));
  await until(() => telemetry.posts.length === 1);
  expect(telemetry.posts[0]?.agent).toBe("kim-2");
});

test("two pages share the outbox and send nothing twice", async () => {
  const clock = new FakeClock();
  const telemetry = new Api(clock);
  let last: Promise<unknown> = Promise.resolve();
  const exclusive: Exclusive = (work) => {
    const mine = last.then(work);
    last = mine.catch(() => undefined);
    return mine;
  };
  const one = await setup({ clock, api: telemetry, exclusive });
  const two = await setup({ clock, api: telemetry, exclusive });
  await Promise.all([1, 2, 3, 4, 5, 6].map((n) => (n % 2 ? one : two).outbox.put(batch(n))));
  await clock.pass(20_000);
  await until(() => telemetry.posts.length >= 6);
  await clock.pass(20_000);
  expect([...telemetry.ids()].sort()).toEqual(["b-1", "b-2", "b-3", "b-4", "b-5", "b-6"]);
});

test("a store that fails throws nothing at the call", async () => {
  const broken = { ...memoryStore(() => 0), add: () => Promise.reject(new DOMException("full", "QuotaExceededError")) };
  const { outbox } = await setup({ store: Promise.resolve(broken) });
  await expect(outbox.put(batch(1))).resolves.toBeUndefined();
  outbox.leave();
  await expect(outbox.put(batch(2))).resolves.toBeUndefined();
});

const small: Limits = { maxBytes: 1000, maxAgeMillis: 7 * 24 * 3600_000 };

const stores: [string, (now: () => number) => Promise<Store>][] = [
  ["IndexedDB", (now) => openStore("earshot", now, small)],
  ["memory", (now) => Promise.resolve(memoryStore(now, small))],
];

test.each(stores)("%s puts an entry in the place of another, and passes over what is held", async (_, open) => {
  const clock = new FakeClock();
  const store = await open(() => clock.now());
  const entry = { api, route: "apimetrics" as const, records: 1, keptAt: clock.now() };
  const key = await store.add({ ...entry, body: "x".repeat(900), heldUntil: clock.now() + 60_000 });
  expect(await store.add({ ...entry, body: "y".repeat(900), heldUntil: clock.now() + 60_000 }, key)).toBe(key);
  await store.add({ ...entry, body: "free" });
  expect([await store.count(), await store.dropped(), (await store.oldest())?.body, (await store.get(key))?.body[0]]).toEqual([2, 0, "free", "y"]);
  await store.add({ ...entry, body: "z" }, key);
  expect([await store.count(), (await store.get(key))?.heldUntil]).toEqual([2, undefined]);
  await store.remove(key, false);
  expect([await store.add({ ...entry, body: "again" }, key), await store.count()]).toEqual([key, 2]);
});

test.each(stores)("%s gives up the oldest beyond its limits, and counts their records", async (_, open) => {
  const clock = new FakeClock();
  const store = await open(() => clock.now());
  const add = (body: string, records: number) => store.add({ api, route: "apimetrics", body, records, keptAt: clock.now() });
  await add("x".repeat(400), 5);
  await add("y".repeat(400), 6);
  expect(await store.dropped()).toBe(0);
  await add("z".repeat(400), 7);
  expect([await store.count(), await store.dropped(), (await store.oldest())?.body[0]]).toEqual([2, 5, "y"]);
  clock.jump(small.maxAgeMillis + 1);
  const key = await add("new", 1);
  expect([await store.count(), await store.dropped()]).toEqual([1, 18]);
  await store.tellDropped(10);
  await store.remove(key, true);
  await store.remove(key, true);
  expect([await store.count(), await store.dropped(), await store.oldest(), await store.get(key)]).toEqual([0, 9, undefined, undefined]);
  await add("w".repeat(1000), 1);
  expect(await store.count()).toBe(1);
  await add("a batch larger than all", 2);
  expect(await store.dropped()).toBe(10);
});
