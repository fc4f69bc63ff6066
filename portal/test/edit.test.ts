import { expect, test } from "vitest";

import { changed, readEdit, rebased } from "../src/parts/edit";

const base = { name: "Acme", days: "90", ip: "full" };

test("what nobody here touched is as somebody else has left it; what was typed stays", () => {
  const form = { ...base, days: "30" };
  const theirs = { ...base, days: "60", ip: "none" };
  const next = rebased({ base, form }, theirs);
  expect(next.form).toEqual({ name: "Acme", days: "30", ip: "none" });
  expect(changed(next.base, next.form)).toEqual(["days"]);
});

test("an edit that was kept comes back with what it began from", () => {
  const kept = JSON.stringify({ base, form: { ...base, name: "Acme Ltd" } });
  expect(readEdit(kept, { ...base, days: "60" })).toEqual({ base, form: { ...base, name: "Acme Ltd" } });
});

test.each([null, "not JSON", "null", "7", '{"form":{}}', '{"base":7,"form":{"name":7,"gone":"x"}}'])("of %j is kept nothing", (kept) => {
  expect(readEdit(kept, base)).toEqual({ base, form: base });
});
