import { wait } from "../clock";
import type { Batch } from "../collect/collector";
import { post, type Outcome, type Wire } from "./post";
import { holdMillis, type Entry, type Kept, type Store } from "./store";

/** Runs work while nobody else of this browser does: pages share the store, and none sends what another is sending. */
export type Exclusive = <T>(work: () => Promise<T>) => Promise<T>;

export interface OutboxOptions extends Wire {
  readonly api: string;
  readonly store: Promise<Store>;
  readonly exclusive: Exclusive;
  readonly random: () => number;
  readonly changed?: (state: OutboxState) => void;
}

export interface OutboxState {
  /** idle: all is acknowledged but what is held. waiting: something went wrong, it is tried again. barred: the API refuses this page. */
  readonly is: "idle" | "sending" | "waiting" | "barred" | "stopped";
  readonly status: number;
  readonly kept: number;
  /** Records that the API refused since the page was opened. */
  readonly refused: number;
}

const firstDelayMillis = 1000;
const maxDelayMillis = 5 * 60_000;
const oldMillis = 1000; // one old batch in so long
const maxKeepaliveBytes = 60 * 1024; // browsers refuse 64 KiB, headers and other requests of the page included

/**
 * Keeps every batch until the telemetry API has acknowledged it. New batches go first and at once; what is left of failures
 * and of earlier pages follows, one a second. After errors it waits, longer each time. Nothing here throws or blocks: a call
 * goes on, whatever becomes of its statistics.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #live: number[] = [];
  readonly #held = new Map<string, Promise<number>>(); // keys of the store by batchId
  readonly #unkept = new Set<Batch>(); // were put, and the store has not said that it keeps them
  #working = false;
  #isLeaving = false;
  #failures = 0;
  #notBefore = 0;
  #cancelWait: (() => void) | undefined;
  #state: OutboxState = { is: "idle", status: 0, kept: 0, refused: 0 };

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  get state(): OutboxState {
    return this.#state;
  }

  /** Keeps a batch and sends it. After 410 nothing more is taken. */
  async put(batch: Batch): Promise<void> {
    if (this.#state.is === "stopped") return;
    this.#unkept.add(batch);
    if (this.#isLeaving) this.#sendPastTheEnd(batch);
    try {
      this.#live.push(await this.#keep(batch));
    } catch {
      return; // the store is full or gone, and so is this batch
    } finally {
      this.#unkept.delete(batch);
    }
    if (!this.#isLeaving) this.wake();
  }

  /**
   * Keeps what a batch has so far, and does not send it: it comes again, with more or to be put, and takes its own place. Should its
   * page end without that, another page of this browser sends it.
   */
  async hold(batch: Batch): Promise<void> {
    if (this.#state.is === "stopped") return;
    await this.#keep(batch, this.#options.clock.now() + holdMillis).catch(() => undefined); // as it is put, all of it comes again
    this.wake(); // for what pages that have ended held
  }

  /**
   * Says that the page is being closed. What is put from now on, and what the store has not kept yet, goes past the page's end
   * where that is possible, and is kept as well: if both arrive, their records have equal ids.
   */
  leave(): void {
    this.#isLeaving = true;
    if (this.#state.is === "stopped") return;
    for (const batch of this.#unkept) this.#sendPastTheEnd(batch);
  }

  /** Says that the page is shown again, as it was when it was left. */
  stay(): void {
    this.#isLeaving = false;
    this.wake();
  }

  /** Sends what is there, now: at the start, when the network is back, after an addition. */
  wake(isOnline = false): void {
    if (this.#state.is === "stopped") return;
    if (isOnline && this.#failures > 0) {
      this.#notBefore = this.#options.clock.monotonic() + this.#options.random() * firstDelayMillis;
      this.#cancelWait?.();
    }
    if (!this.#working) void this.#work();
  }

  async #work(): Promise<void> {
    this.#working = true;
    try {
      while (this.#state.is !== "stopped") {
        await this.#pause();
        if (!(await this.#options.exclusive(() => this.#sendNext()))) break;
      }
    } catch {
      this.#fail(0, 0); // the store failed: what it holds is for later
    }
    this.#working = false;
    if (this.#live.length > 0 && this.#state.is !== "stopped") this.wake();
  }

  /** Waits as long as failures ask. */
  async #pause(): Promise<void> {
    const { clock } = this.#options;
    for (let left = this.#notBefore - clock.monotonic(); left > 0; left = this.#notBefore - clock.monotonic()) {
      await new Promise<void>((resolve) => {
        const cancel = clock.after(left, resolve);
        this.#cancelWait = () => {
          cancel();
          resolve();
        };
      });
    }
  }

  /** Sends one batch and says whether there may be more. */
  async #sendNext(): Promise<boolean> {
    const store = await this.#options.store;
    const live = await this.#nextLive(store);
    const next = live ?? (await store.oldest());
    if (next === undefined) {
      this.#change({ is: "idle", kept: 0 });
      return false;
    }
    const began = this.#options.clock.monotonic();
    this.#change({ is: "sending" });
    const dropped = await store.dropped();
    const outcome = await post(this.#options, `${next.api}/${next.route}`, this.#finish(next.body, dropped));
    await this.#settle(store, next, dropped, outcome);
    if (live === undefined && outcome.kind === "taken") {
      await wait(this.#options.clock, Math.max(0, began + oldMillis - this.#options.clock.monotonic()));
    }
    this.#change({ kept: await store.count() });
    return true;
  }

  async #nextLive(store: Store): Promise<Kept | undefined> {
    for (let key = this.#live.shift(); key !== undefined; key = this.#live.shift()) {
      const kept = await store.get(key);
      if (kept !== undefined) return kept; // else another page has sent it
    }
    return undefined;
  }

  async #settle(store: Store, entry: Kept, dropped: number, outcome: Outcome): Promise<void> {
    switch (outcome.kind) {
      case "taken":
        await store.remove(entry.key, false);
        if (dropped > 0) await store.tellDropped(dropped);
        this.#failures = 0;
        this.#change({ refused: this.#state.refused + outcome.refused, status: 0 });
        return;
      case "poison":
        await store.remove(entry.key, true);
        return;
      case "later":
        this.#fail(outcome.status, outcome.afterMillis);
        return;
      case "barred":
        this.#failures = 20; // the longest delay: nothing here mends it
        this.#fail(outcome.status, 0, "barred");
        return;
      case "stopped":
        this.#change({ is: "stopped", status: 410 });
    }
  }

  #fail(status: number, afterMillis: number, is: "waiting" | "barred" = "waiting"): void {
    const { clock, random } = this.#options;
    const delay = Math.min(maxDelayMillis, firstDelayMillis * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, 20);
    this.#live.length = 0; // they are in the store, and old now
    this.#notBefore = clock.monotonic() + Math.max(afterMillis, delay / 2) + (random() * delay) / 2;
    this.#change({ is, status });
  }

  #sendPastTheEnd(batch: Batch): void {
    const text = this.#finish(this.#entry(batch).body, 0);
    if (text.length > maxKeepaliveBytes) return;
    const headers = { "content-type": "application/json" };
    const url = `${this.#options.api}/${batch.route}`;
    this.#options.fetch(url, { method: "POST", headers, body: text, keepalive: true }).catch(() => undefined);
  }

  #keep(batch: Batch, heldUntil?: number): Promise<number> {
    const { batchId } = batch.body;
    const before = this.#held.get(batchId)?.catch(() => undefined);
    const entry: Entry = { ...this.#entry(batch), ...(heldUntil === undefined ? {} : { heldUntil }) };
    const kept = Promise.all([this.#options.store, before]).then(([store, key]) => store.add(entry, key));
    if (heldUntil === undefined) this.#held.delete(batchId);
    else this.#held.set(batchId, kept);
    return kept;
  }

  #entry(batch: Batch): Entry {
    const { api, clock } = this.#options;
    return { api, route: batch.route, body: JSON.stringify(batch.body), records: batch.records, keptAt: clock.now() };
  }

  /** Adds to a body what is known only now. */
  #finish(body: string, dropped: number): string {
    const sentAt = new Date(this.#options.clock.now()).toISOString();
    return `${body.slice(0, -1)},"sentAt":"${sentAt}"${dropped > 0 ? `,"droppedRecords":${dropped}` : ""}}`;
  }

  #change(change: Partial<OutboxState>): void {
    if (this.#state.is === "stopped") return;
    this.#state = { ...this.#state, ...change };
    this.#options.changed?.(this.#state);
  }
}
