import type { OperationEvent } from "./types";

export interface ResourceProgress {
  readonly resource: string;
  readonly status: string;
  readonly level: OperationEvent["level"];
  readonly at: string;
}

/** What an operation's events come to. */
export interface Progress {
  readonly percent: number;
  readonly step: string;
  /** The last word on each resource of the stack, in the order in which they began. */
  readonly resources: readonly ResourceProgress[];
  /** What is about no single resource, oldest first. */
  readonly log: readonly OperationEvent[];
}

export const nothingYet: Progress = { percent: 0, step: "", resources: [], log: [] };

export function advance(before: Progress, event: OperationEvent): Progress {
  const next = { ...before, percent: event.percent, step: event.step };
  if (event.resource === undefined) return { ...next, log: [...before.log, event] };
  const now: ResourceProgress = { resource: event.resource, status: event.status ?? event.message, level: event.level, at: event.at };
  const place = before.resources.findIndex(({ resource }) => resource === now.resource);
  const resources = place < 0 ? [...before.resources, now] : before.resources.with(place, now);
  return { ...next, resources, log: event.level === "error" ? [...before.log, event] : before.log };
}
