import type { components } from "./schema.gen";

export type Problem = components["schemas"]["Problem"];

/** An answer of the API that is no success, or none at all. */
export class ProblemError extends Error {
  readonly problem: Problem;
  /** Finds the request in the service's log. */
  readonly requestId: string | undefined;

  constructor(problem: Problem, requestId?: string) {
    super(`${problem.status} ${problem.code}: ${problem.detail}`);
    this.problem = problem;
    this.requestId = requestId ?? problem.instance?.replace(/^urn:earshot:request:/, "");
  }
}

/** Makes an answer's body a ProblemError, whatever came: proxies in between answer in their own way. */
export function problemOf(status: number, body: unknown, requestId: string | null): ProblemError {
  if (isProblem(body)) return new ProblemError(body, requestId ?? undefined);
  const problem = {
    type: "about:blank",
    title: `Answer ${status}`,
    status,
    code: "portal.unreadable",
    detail: "What came back is not an answer of Earshot's; something in between may have answered. Try again.",
  };
  return new ProblemError(problem, requestId ?? undefined);
}

/** What people are shown of any error. */
export function problemFrom(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (error instanceof TypeError) {
    const detail = "The service cannot be reached. Look whether this machine is connected, and try again.";
    return new ProblemError({ type: "about:blank", title: "No answer", status: 0, code: "portal.unreachable", detail });
  }
  const detail = error instanceof Error ? error.message : String(error);
  return new ProblemError({ type: "about:blank", title: "Something in this page went wrong", status: 0, code: "portal.internal", detail });
}

/** Whether somebody else has changed meanwhile what was to be changed. */
export const isOld = (error: unknown): boolean => error instanceof ProblemError && error.problem.status === 412;

/** Sentences of a problem about the members below one, by a JSON pointer; the pointers are the API's. */
export function fieldErrors(error: unknown): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  if (!(error instanceof ProblemError)) return found;
  for (const { pointer, detail } of error.problem.errors ?? []) {
    if (!found.has(pointer)) found.set(pointer, detail);
  }
  return found;
}

function isProblem(body: unknown): body is Problem {
  if (typeof body !== "object" || body === null) return false;
  const members: Record<string, unknown> = { ...body };
  return typeof members["code"] === "string" && typeof members["title"] === "string" && typeof members["detail"] === "string";
}
