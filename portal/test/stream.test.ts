import { describe, expect, test } from "vitest";

import { ProblemError } from "../src/api/problem";
import { follow, type Told } from "../src/api/stream";

const event = (sequence: number, percent = sequence) => ({ sequence, at: "2026-11-28T12:00:00Z", step: "await_stack", level: "info", message: `event ${sequence}`, percent });
const progress = (sequence: number): string => `id: ${sequence}\nevent: progress\ndata: ${JSON.stringify(event(sequence))}\n\n`;
const end = `id: 9\nevent: end\ndata: ${JSON.stringify({ id: "one", state: "succeeded" })}\n\n`;

const streamOf = (pieces: readonly string[]): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start: (stream) => {
      pieces.forEach((piece) => stream.enqueue(new TextEncoder().encode(piece)));
      stream.close();
    },
  });

/** An API that answers its callers one after the other with these, in pieces as they are. */
function server(...answers: (readonly string[] | Response | Error)[]) {
  const asked: (string | null)[] = [];
  const pauses: number[] = [];
  const connected: boolean[] = [];
  const leaving = new AbortController();
  const told: Told[] = [];
  const run = async (id = "one"): Promise<void> => {
    const following = {
      origin: "https://earshot.example",
      signal: leaving.signal,
      connected: (is: boolean) => connected.push(is),
      wait: (millis: number) => Promise.resolve(void pauses.push(millis)),
      send: (request: Request): Promise<Response> => {
        asked.push(request.headers.get("last-event-id"));
        const answer = answers.shift();
        if (answer === undefined) leaving.abort();
        if (answer instanceof Error || answer === undefined) return Promise.reject(answer ?? new Error("nobody asks so often"));
        if (answer instanceof Response) return Promise.resolve(answer);
        return Promise.resolve(new Response(streamOf(answer)));
      },
    };
    for await (const one of follow(id, following)) told.push(one);
  };
  const sequences = (): number[] => told.flatMap((one) => (one.kind === "event" ? [one.event.sequence] : []));
  return { asked, pauses, connected, told, run, sequences, leaving };
}

const problem = (status: number, code: string): Response =>
  Response.json({ type: "t", title: "T", status, detail: "D", code }, { status, headers: { "x-request-id": "r-1" } });

describe("an operation is followed", () => {
  test("to its end, whatever the pieces in which it comes", async () => {
    const all = progress(1) + ": still here\n\n" + progress(2) + end;
    const s = server(all.split(""));
    await s.run();
    expect(s.sequences()).toEqual([1, 2]);
    expect(s.told.at(-1)).toEqual({ kind: "end", operation: { id: "one", state: "succeeded" } });
    expect(s.asked).toEqual([null]);
  });

  test("on behind the last event when the stream breaks, also in the middle of one", async () => {
    const s = server([progress(1), progress(2), progress(3).slice(0, 20)], [progress(3), end]);
    await s.run();
    expect(s.sequences()).toEqual([1, 2, 3]);
    expect(s.asked).toEqual([null, "2"]);
    expect(s.connected).toEqual([true, false, true]);
  });

  test("without telling an event twice, should the API", async () => {
    const s = server([progress(1), progress(2)], [progress(1), progress(2), progress(3), end]);
    await s.run();
    expect(s.sequences()).toEqual([1, 2, 3]);
  });

  test("with longer and longer pauses while nobody answers, and short ones again after", async () => {
    const s = server(new TypeError("no network"), problem(503, "service.unavailable"), problem(429, "limit"), [progress(1)], [end]);
    await s.run();
    expect(s.pauses).toEqual([500, 1000, 2000, 500]);
  });

  test("never with pauses beyond a quarter of a minute", async () => {
    const s = server(...Array.from({ length: 8 }, () => new TypeError("no network")), [end]);
    await s.run();
    expect(Math.max(...s.pauses)).toBe(15_000);
  });

  test("no further when the API refuses", async () => {
    const s = server(problem(404, "operation.unknown"));
    const error: unknown = await s.run().catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ProblemError);
    expect(error).toMatchObject({ requestId: "r-1", problem: { code: "operation.unknown" } });
    expect(s.asked).toHaveLength(1);
  });

  test("no further when the page is left", async () => {
    const s = server([progress(1)]);
    await s.run();
    expect(s.sequences()).toEqual([1]);
  });
});
