import { EventSourceParserStream } from "eventsource-parser/stream";

import { ProblemError, problemOf } from "./problem";
import type { Operation, OperationEvent } from "./types";

export type Told = { readonly kind: "event"; readonly event: OperationEvent } | { readonly kind: "end"; readonly operation: Operation };

export interface Following {
  readonly send: (request: Request) => Promise<Response>;
  readonly origin: string;
  readonly signal: AbortSignal;
  /** Resolves after so many milliseconds. */
  readonly wait: (millis: number, signal: AbortSignal) => Promise<void>;
  /** Is told when the stream breaks, and when it is there again. */
  readonly connected: (is: boolean) => void;
}

const firstPauseMillis = 500;
const longestPauseMillis = 15_000;

/**
 * Tells an operation's events as they happen, each once and in order, and its end. A stream that breaks is taken up again behind
 * the last event that was told; what the API refuses is thrown.
 */
export async function* follow(id: string, following: Following): AsyncGenerator<Told, void> {
  let last = 0;
  let pause = firstPauseMillis;
  const isLeft = (): boolean => following.signal.aborted;
  while (!isLeft()) {
    try {
      for await (const told of once(id, last, following)) {
        pause = firstPauseMillis;
        if (told.kind === "event") {
          if (told.event.sequence <= last) continue;
          last = told.event.sequence;
        }
        yield told;
        if (told.kind === "end") return;
      }
    } catch (error) {
      if (isLeft()) return;
      if (error instanceof ProblemError && error.problem.status < 500 && error.problem.status !== 429) throw error;
    }
    following.connected(false);
    await following.wait(pause, following.signal);
    pause = Math.min(2 * pause, longestPauseMillis);
  }
}

/** One connection's worth. */
async function* once(id: string, last: number, { send, origin, signal, connected }: Following): AsyncGenerator<Told, void> {
  const headers: Record<string, string> = { accept: "text/event-stream" };
  if (last > 0) headers["last-event-id"] = String(last);
  const response = await send(new Request(`${origin}/v1/operations/${encodeURIComponent(id)}/events`, { headers, signal }));
  if (!response.ok || response.body === null) {
    const body: unknown = await response.json().catch(() => undefined);
    throw problemOf(response.status, body, response.headers.get("x-request-id"));
  }
  connected(true);
  const messages = response.body.pipeThrough(new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>).pipeThrough(new EventSourceParserStream());
  const reader = messages.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      // The contract says what data holds (OperationEvent, Operation); openapi-typescript has no type for a stream's.
      if (value.event === "progress") yield { kind: "event", event: JSON.parse(value.data) as OperationEvent };
      if (value.event === "end") yield { kind: "end", operation: JSON.parse(value.data) as Operation };
    }
  } finally {
    await reader.cancel().catch(() => undefined); // it is broken already
  }
}

/** Resolves after so many milliseconds, or as soon as the signal comes. */
export function pauseFor(millis: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, millis);
    signal.addEventListener("abort", done);
  });
}
