import { expect, test } from "vitest";

import { authorized, bodyOf, withTag } from "../src/api/client";
import { ProblemError } from "../src/api/problem";

/** A session whose tokens are numbered, before an API that takes those from good on. */
function world(good: number, canRenew = true) {
  const seen: string[] = [];
  const state = { token: 1, ended: 0, renewed: 0 };
  const session = {
    token: () => String(state.token),
    renew: () => {
      state.renewed++;
      if (canRenew) state.token++;
      return Promise.resolve(canRenew);
    },
    end: () => {
      state.ended++;
    },
  };
  const send = authorized(session, async (request) => {
    seen.push(`${request.headers.get("authorization") ?? ""} ${await request.text()}`);
    return new Response(null, { status: state.token >= good ? 200 : 401 });
  });
  const post = () => send(new Request("https://earshot.example/v1/tenants", { method: "POST", body: "draft", headers: { "idempotency-key": "k" } }));
  return { seen, state, post };
}

test("requests go in the caller's name", async () => {
  const w = world(1);
  expect((await w.post()).status).toBe(200);
  expect(w.seen).toEqual(["Bearer 1 draft"]);
  expect(w.state).toMatchObject({ renewed: 0, ended: 0 });
});

test("a refused token is renewed once, and the same request is sent again with its body", async () => {
  const w = world(2);
  expect((await w.post()).status).toBe(200);
  expect(w.seen).toEqual(["Bearer 1 draft", "Bearer 2 draft"]);
  expect(w.state.ended).toBe(0);
});

test.each([
  ["that cannot be renewed", false, 1],
  ["whose renewal is refused too", true, 2],
])("a sign-in %s has ended", async (_, canRenew, requests) => {
  const w = world(99, canRenew);
  expect((await w.post()).status).toBe(401);
  expect(w.seen).toHaveLength(requests);
  expect(w.state).toMatchObject({ renewed: 1, ended: 1 });
});

test("an answer is its body and tag, or a problem", async () => {
  const response = new Response(null, { headers: { etag: '"3"' } });
  expect(await withTag(Promise.resolve({ data: { a: 1 }, response }))).toEqual({ body: { a: 1 }, tag: '"3"' });
  const problem = { type: "t", title: "Gone", status: 410, detail: "d", code: "c" };
  const refused = bodyOf(Promise.resolve({ error: problem, response: new Response(null, { status: 410 }) }));
  await expect(refused).rejects.toBeInstanceOf(ProblemError);
});
