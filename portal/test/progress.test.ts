import { expect, test } from "vitest";

import { advance, nothingYet } from "../src/api/progress";
import type { OperationEvent } from "../src/api/types";

let sequence = 0;
const event = (more: Partial<OperationEvent>): OperationEvent => ({
  sequence: ++sequence, at: `2026-11-28T12:00:${String(sequence).padStart(2, "0")}Z`, step: "await_stack", level: "info", message: "m", percent: sequence, ...more,
});

test("of each resource the last word counts, in the order in which they began", () => {
  const events = [
    event({ resource: "Queue", status: "CREATE_IN_PROGRESS" }),
    event({ resource: "Site", status: "CREATE_IN_PROGRESS" }),
    event({ resource: "Queue", status: "CREATE_COMPLETE" }),
    event({ message: "The call is sent.", step: "send_call", percent: 90 }),
  ];
  const { resources, log, percent, step } = events.reduce(advance, nothingYet);
  expect(resources.map(({ resource, status }) => [resource, status])).toEqual([["Queue", "CREATE_COMPLETE"], ["Site", "CREATE_IN_PROGRESS"]]);
  expect(log.map(({ message }) => message)).toEqual(["The call is sent."]);
  expect([percent, step]).toEqual([90, "send_call"]);
});

test("what failed of a resource is in the log too", () => {
  const { log, resources } = [event({ resource: "Site", status: "CREATE_FAILED", level: "error", message: "no room" })].reduce(advance, nothingYet);
  expect(log).toHaveLength(1);
  expect(resources[0]?.level).toBe("error");
});
