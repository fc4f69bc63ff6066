import { expect, test } from "vitest";

import { readDraft } from "../src/parts/drafts";

const empty = { slug: "", count: 0 };

test.each([
  [null, empty],
  ['{"slug":"acme","count":3}', { slug: "acme", count: 3 }],
  ['{"slug":"acme"}', { slug: "acme", count: 0 }],
  ['{"slug":7,"gone":"x"}', empty],
  ["not JSON", empty],
  ["null", empty],
])("of %j is kept %j", (kept, want) => {
  expect(readDraft(kept, empty)).toEqual(want);
});
