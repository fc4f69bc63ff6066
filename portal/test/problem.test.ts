import { expect, test } from "vitest";

import { fieldErrors, problemFrom, problemOf } from "../src/api/problem";

const taken = {
  type: "urn:earshot:error:tenant.slug_taken", title: "Not possible as things stand", status: 409, detail: "Another tenant has this slug.", code: "tenant.slug_taken",
  instance: "urn:earshot:request:0f6c", errors: [{ pointer: "/slug", code: "tenant.slug_taken", detail: "It is taken." }, { pointer: "/slug", code: "two", detail: "Second." }],
};

test("a problem keeps what the API says, and the request's id", () => {
  const error = problemOf(409, taken, null);
  expect(error.problem).toBe(taken);
  expect(error.requestId).toBe("0f6c");
  expect(problemOf(409, taken, "header").requestId).toBe("header");
});

test("members that are wrong are found by their pointer, with the first sentence each", () => {
  expect([...fieldErrors(problemOf(409, taken, null))]).toEqual([["/slug", "It is taken."]]);
  expect(fieldErrors(new Error("other")).size).toBe(0);
});

test.each([
  ["a page of a proxy", "<html>Bad gateway</html>"],
  ["nothing", undefined],
  ["null", null],
  ["JSON of somebody else", { message: "no" }],
])("%s is a problem too", (_, body) => {
  const { problem, requestId } = problemOf(502, body, "r");
  expect(problem).toMatchObject({ status: 502, code: "portal.unreadable" });
  expect(requestId).toBe("r");
});

test("an error that is no answer says whose it is", () => {
  expect(problemFrom(new TypeError("Failed to fetch")).problem.code).toBe("portal.unreachable");
  expect(problemFrom(new RangeError("x")).problem).toMatchObject({ code: "portal.internal", detail: "x" });
  expect(problemFrom("text").problem.detail).toBe("text");
  const known = problemOf(409, taken, null);
  expect(problemFrom(known)).toBe(known);
});
