import { expect, test } from "vitest";

import type { SetupCheck } from "../src/api/types";
import { summaryOf, untilNextLook } from "../src/tenants/setup";

const found = (...states: SetupCheck["items"][number]["state"][]): SetupCheck => ({
  connect_instance: "leeds",
  checked_at: "2026-11-29T07:00:00Z",
  items: states.map((state) => ({ item: "directory_role", state, detail: "It is so." })),
});

test("what is not done is looked at again, for five minutes", () => {
  expect(untilNextLook(found("done", "not_done"), 0, 1_000)).toBe(20_000);
  expect(untilNextLook(found("done", "unknown"), 0, 299_000)).toBe(20_000);
  expect(untilNextLook(found("done", "unknown"), 0, 301_000)).toBe(false);
});

test("what is done is looked at no more; what failed is", () => {
  expect(untilNextLook(found("done", "done"), 0, 1_000)).toBe(false);
  expect(untilNextLook(undefined, 0, 1_000)).toBe(20_000);
});

test("how many are done is said in words", () => {
  expect(summaryOf(found("done", "not_done", "unknown"))).toBe("1 of 3 are done");
  expect(summaryOf(found("done", "done"))).toBe("All is done");
});
