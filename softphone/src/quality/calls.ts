import type { StreamRecord } from "../wire/types.gen";
import { judge, meanMos, type Second } from "./judge";
import { findTrouble, type Trouble } from "./trouble";

/** What the bar shows of a call. */
export interface CallView {
  readonly contactId: string;
  readonly queue?: string | undefined;
  readonly startedAt: number;
  readonly heardMos?: number | undefined;
  readonly sentMos?: number | undefined;
  readonly trouble: readonly Trouble[];
  readonly marks: number;
  readonly connected: boolean;
}

/** How a call of this browser went. */
export interface PastCall {
  readonly contactId: string;
  readonly queue?: string | undefined;
  readonly endedAt: number;
  readonly seconds: number;
  readonly heardMos?: number | undefined;
  readonly sentMos?: number | undefined;
  readonly marks: number;
}

interface Call {
  queue?: string | undefined;
  startedAt: number;
  connected: boolean;
  heard: Sum;
  sent: Sum;
  latest: { heardMos?: number | undefined; sentMos?: number | undefined; trouble: readonly Trouble[] };
  marks: number;
  firstAt?: number;
  lastAt?: number;
}

interface Sum {
  total: number;
  n: number;
}

/** The calls of this page, while they last. */
export class Calls {
  readonly #calls = new Map<string, Call>();

  constructor(private readonly now: () => number) {}

  see(contactId: string, change: { queue?: string | undefined; connected?: boolean }): void {
    const call = this.#calls.get(contactId) ?? this.#begin(contactId);
    if (change.queue !== undefined) call.queue = change.queue;
    if (change.connected !== undefined) call.connected = change.connected;
  }

  addSeconds(contactId: string, records: readonly StreamRecord[]): void {
    const call = this.#calls.get(contactId);
    if (call === undefined || records.length === 0) return;
    const judged = judge(records);
    add(call.heard, judged.input);
    add(call.sent, judged.output);
    call.latest = { heardMos: meanMos(judged.input), sentMos: meanMos(judged.output), trouble: findTrouble(judged) };
    const instants = [...judged.input, ...judged.output].map((second) => second.at);
    call.firstAt = Math.min(call.firstAt ?? Infinity, ...instants);
    call.lastAt = Math.max(call.lastAt ?? -Infinity, ...instants);
  }

  mark(contactId: string): void {
    const call = this.#calls.get(contactId);
    if (call !== undefined) call.marks++;
  }

  /** Ends a call and returns how it went; undefined for one that never was. */
  end(contactId: string): PastCall | undefined {
    const call = this.#calls.get(contactId);
    if (call === undefined) return undefined;
    this.#calls.delete(contactId);
    const seconds = call.firstAt === undefined || call.lastAt === undefined ? 0 : Math.round((call.lastAt - call.firstAt) / 1000) + 1;
    return {
      contactId, queue: call.queue, endedAt: this.now(), seconds, marks: call.marks, heardMos: mean(call.heard), sentMos: mean(call.sent),
    };
  }

  views(): CallView[] {
    return [...this.#calls].map(([contactId, call]) => ({
      contactId, queue: call.queue, startedAt: call.startedAt, connected: call.connected, marks: call.marks, ...call.latest,
    }));
  }

  #begin(contactId: string): Call {
    const call: Call = {
      startedAt: this.now(), connected: false, heard: { total: 0, n: 0 }, sent: { total: 0, n: 0 }, latest: { trouble: [] }, marks: 0,
    };
    this.#calls.set(contactId, call);
    return call;
  }
}

function add(sum: Sum, seconds: readonly Second[]): void {
  for (const { mos } of seconds) {
    if (mos === undefined) continue;
    sum.total += mos;
    sum.n++;
  }
}

const mean = (sum: Sum): number | undefined => (sum.n === 0 ? undefined : sum.total / sum.n);

const remembered = "earshot.calls";
const maxRemembered = 10;

/** The last calls of this browser, newest first. What storage holds is not trusted. */
export function pastCalls(memory: Pick<Storage, "getItem"> | undefined): PastCall[] {
  try {
    const list: unknown = JSON.parse(memory?.getItem(remembered) ?? "[]");
    return Array.isArray(list) ? list.filter(isPastCall).slice(0, maxRemembered) : [];
  } catch {
    return [];
  }
}

export function rememberCall(call: PastCall, memory: Pick<Storage, "getItem" | "setItem"> | undefined): void {
  try {
    memory?.setItem(remembered, JSON.stringify([call, ...pastCalls(memory).filter((it) => it.contactId !== call.contactId)].slice(0, maxRemembered)));
  } catch {
    // Storage is full or forbidden: the list is a comfort only.
  }
}

function isPastCall(value: unknown): value is PastCall {
  if (typeof value !== "object" || value === null) return false;
  const call = value as Partial<Record<keyof PastCall, unknown>>; // each member is looked at here
  const isScore = (score: unknown): boolean => score === undefined || typeof score === "number";
  return (
    typeof call.contactId === "string" && typeof call.endedAt === "number" && typeof call.seconds === "number" &&
    typeof call.marks === "number" && (call.queue === undefined || typeof call.queue === "string") && isScore(call.heardMos) && isScore(call.sentMos)
  );
}
