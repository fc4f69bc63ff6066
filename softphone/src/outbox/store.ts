import { openDB, type DBSchema, type IDBPDatabase, type IDBPObjectStore } from "idb";

import type { Route } from "../collect/collector";

export interface Entry {
  readonly api: string;
  readonly route: Route;
  /** A JSON object that lacks only what is known when it is sent. */
  readonly body: string;
  readonly records: number;
  /** By the system's clock, since no other outlives the page. */
  readonly keptAt: number;
  /** Until then its page adds to it, and nobody else sends it; a page that lives says so again and again. */
  readonly heldUntil?: number;
}

export interface Kept extends Entry {
  readonly key: number;
}

/** Keeps what was not acknowledged yet. Pages of one origin share it. */
export interface Store {
  /** Keeps an entry, in the place of another if there is one, and gives up the oldest beyond the limits. */
  add(entry: Entry, inPlaceOf?: number): Promise<number>;
  get(key: number): Promise<Kept | undefined>;
  /** The oldest that nobody holds. */
  oldest(): Promise<Kept | undefined>;
  /** Forgets an entry: acknowledged, or given up and then counted. */
  remove(key: number, givenUp: boolean): Promise<void>;
  count(): Promise<number>;
  /** Records given up that no acknowledged body has told of yet. */
  dropped(): Promise<number>;
  /** Notes that a body told of so many. */
  tellDropped(records: number): Promise<void>;
}

export interface Limits {
  readonly maxBytes: number;
  readonly maxAgeMillis: number;
}

/** How long an entry is held without another word of its page: three looks of it. */
export const holdMillis = 90_000;

// A time further off was written by a clock that has been set back since.
const isHeld = ({ heldUntil = 0 }: Entry, now: number): boolean => heldUntil > now && heldUntil <= now + holdMillis;

export const limits: Limits = { maxBytes: 50 * 1024 * 1024, maxAgeMillis: 7 * 24 * 3600 * 1000 };

interface Schema extends DBSchema {
  entries: { key: number; value: Entry };
  figures: { key: "bytes" | "dropped"; value: number };
}

type Figures = Readonly<Record<"bytes" | "dropped", number>>;

/** Opens the store of this origin in IndexedDB. Fails where a browser or its user forbids that. */
export async function openStore(databaseName: string, now: () => number, within: Limits = limits): Promise<Store> {
  const db = await openDB<Schema>(databaseName, 1, {
    upgrade(made) {
      made.createObjectStore("entries", { autoIncrement: true });
      made.createObjectStore("figures");
    },
  });
  return new IndexedStore(db, now, within);
}

class IndexedStore implements Store {
  constructor(
    private readonly db: IDBPDatabase<Schema>,
    private readonly now: () => number,
    private readonly within: Limits,
  ) {}

  add(entry: Entry, inPlaceOf?: number): Promise<number> {
    return this.change(async (entries, figures) => {
      const before = inPlaceOf === undefined ? undefined : await entries.get(inPlaceOf);
      const key = await entries.put(entry, inPlaceOf);
      let bytes = figures.bytes + entry.body.length - (before?.body.length ?? 0);
      let dropped = figures.dropped;
      for (let cursor = await entries.openCursor(); cursor !== null; cursor = await cursor.continue()) {
        const isOld = cursor.value.keptAt < this.now() - this.within.maxAgeMillis;
        if (!isOld && bytes <= this.within.maxBytes) break;
        bytes -= cursor.value.body.length;
        dropped += cursor.value.records;
        await cursor.delete();
      }
      return [key, { bytes, dropped }];
    });
  }

  async get(key: number): Promise<Kept | undefined> {
    const entry = await this.db.get("entries", key);
    return entry === undefined ? undefined : { ...entry, key };
  }

  async oldest(): Promise<Kept | undefined> {
    let cursor = await this.db.transaction("entries").store.openCursor();
    while (cursor !== null && isHeld(cursor.value, this.now())) cursor = await cursor.continue();
    return cursor === null ? undefined : { ...cursor.value, key: cursor.key };
  }

  remove(key: number, givenUp: boolean): Promise<void> {
    return this.change(async (entries, figures) => {
      const entry = await entries.get(key);
      if (entry === undefined) return [undefined, figures];
      await entries.delete(key);
      const dropped = figures.dropped + (givenUp ? entry.records : 0);
      return [undefined, { bytes: figures.bytes - entry.body.length, dropped }];
    });
  }

  count(): Promise<number> {
    return this.db.count("entries");
  }

  async dropped(): Promise<number> {
    return (await this.db.get("figures", "dropped")) ?? 0;
  }

  tellDropped(records: number): Promise<void> {
    return this.change((_, figures) => Promise.resolve([undefined, { ...figures, dropped: Math.max(0, figures.dropped - records) }]));
  }

  /** Changes entries and figures together, or neither. */
  private async change<T>(work: (entries: Entries, figures: Figures) => Promise<[T, Figures]>): Promise<T> {
    const tx = this.db.transaction(["entries", "figures"], "readwrite");
    const figures = tx.objectStore("figures");
    try {
      const [result, changed] = await work(tx.objectStore("entries"), {
        bytes: (await figures.get("bytes")) ?? 0,
        dropped: (await figures.get("dropped")) ?? 0,
      });
      await figures.put(changed.bytes, "bytes");
      await figures.put(changed.dropped, "dropped");
      await tx.done;
      return result;
    } catch (error) {
      tx.done.catch(() => undefined); // the first error says more
      throw error;
    }
  }
}

type Entries = IDBPObjectStore<Schema, ("entries" | "figures")[], "entries", "readwrite">;

/** A store that lasts as long as the page: where IndexedDB is forbidden. */
export function memoryStore(now: () => number, within: Limits = { ...limits, maxBytes: 5 * 1024 * 1024 }): Store {
  const entries = new Map<number, Entry>();
  let [next, bytes, dropped] = [1, 0, 0];
  const forget = (key: number, givenUp: boolean): void => {
    const entry = entries.get(key);
    if (entry === undefined) return;
    entries.delete(key);
    bytes -= entry.body.length;
    if (givenUp) dropped += entry.records;
  };
  const first = (): Kept | undefined => {
    for (const [key, entry] of entries) {
      if (!isHeld(entry, now())) return { ...entry, key };
    }
    return undefined;
  };
  return {
    add(entry, inPlaceOf) {
      if (inPlaceOf !== undefined) forget(inPlaceOf, false);
      const key = inPlaceOf ?? next++;
      entries.set(key, entry);
      bytes += entry.body.length;
      for (const [old, { keptAt }] of entries) {
        if (keptAt >= now() - within.maxAgeMillis && bytes <= within.maxBytes) break;
        forget(old, true);
      }
      return Promise.resolve(key);
    },
    get: (key) => {
      const entry = entries.get(key);
      return Promise.resolve(entry === undefined ? undefined : { ...entry, key });
    },
    oldest: () => Promise.resolve(first()),
    remove: (key, givenUp) => {
      forget(key, givenUp);
      return Promise.resolve();
    },
    count: () => Promise.resolve(entries.size),
    dropped: () => Promise.resolve(dropped),
    tellDropped: (records) => {
      dropped = Math.max(0, dropped - records);
      return Promise.resolve();
    },
  };
}
