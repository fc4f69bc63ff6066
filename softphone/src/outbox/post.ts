import { wait, type Clock } from "../clock";

/** What an answer, or its absence, means for a batch. */
export type Outcome =
  | { readonly kind: "taken"; readonly refused: number }
  /** This batch will never be taken. */
  | { readonly kind: "poison"; readonly status: number }
  /** Nothing is wrong with the batch; try again, not before so many milliseconds if the server says so. */
  | { readonly kind: "later"; readonly status: number; readonly afterMillis: number }
  /** The way is barred, for this batch as for any other: origin or address are wrong. */
  | { readonly kind: "barred"; readonly status: number }
  /** The tenant is suspended. */
  | { readonly kind: "stopped" };

export interface Wire {
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  /** Compresses, or answers undefined where the browser cannot. */
  readonly gzip: (text: string) => Promise<Blob | undefined>;
}

const patienceMillis = 30_000;

export async function post(wire: Wire, url: string, text: string): Promise<Outcome> {
  const packed = await wire.gzip(text).catch(() => undefined);
  const given = new AbortController();
  const called = wire.clock.after(patienceMillis, () => {
    given.abort();
  });
  try {
    const answer = await wire.fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...(packed === undefined ? {} : { "content-encoding": "gzip" }) },
      body: packed ?? text,
      signal: given.signal,
    });
    return await outcomeOf(answer, wire.clock);
  } catch {
    return { kind: "later", status: 0, afterMillis: 0 };
  } finally {
    called();
  }
}

async function outcomeOf(answer: Response, clock: Clock): Promise<Outcome> {
  const { status } = answer;
  if (answer.ok) return { kind: "taken", refused: await refusedOf(answer, clock) };
  if (status === 410) return { kind: "stopped" };
  if (status >= 500 || status === 429 || status === 408 || status === 425) {
    return { kind: "later", status, afterMillis: retryAfter(answer.headers.get("retry-after"), clock.now()) };
  }
  // What stands in the way of every batch must not cost any.
  if ([401, 403, 404, 405].includes(status)) return { kind: "barred", status };
  return { kind: "poison", status };
}

/** How many records of a batch were refused. The batch is acknowledged, whatever becomes of the rest of the answer. */
async function refusedOf(answer: Response, clock: Clock): Promise<number> {
  const slow = wait(clock, patienceMillis).then(() => undefined);
  const body: unknown = await Promise.race([answer.json().catch(() => undefined), slow]);
  const rejected = typeof body === "object" && body !== null && "rejected" in body ? body.rejected : undefined;
  return Array.isArray(rejected) ? rejected.length : 0;
}

const maxRetryAfterMillis = 15 * 60_000;

function retryAfter(header: string | null, now: number): number {
  if (header === null) return 0;
  const millis = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(millis) ? 0 : Math.min(Math.max(0, millis), maxRetryAfterMillis);
}

/** gzip by the browser, where it can. */
export async function gzip(text: string): Promise<Blob | undefined> {
  if (typeof CompressionStream === "undefined") return undefined;
  return new Response(new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"))).blob();
}
