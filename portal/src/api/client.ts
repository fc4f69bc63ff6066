import createClient, { type Client } from "openapi-fetch";

import type { Session } from "../session/session";
import { problemOf } from "./problem";
import type { paths } from "./schema.gen";

export type API = Client<paths>;
type Fetch = (request: Request) => Promise<Response>;

/** Sends requests in the name of who is signed in. A token that is refused is renewed once; then the sign-in has ended. */
export function authorized(session: Pick<Session, "token" | "renew" | "end">, send: Fetch): Fetch {
  const as = (request: Request): Promise<Response> => {
    const signed = new Request(request);
    signed.headers.set("authorization", `Bearer ${session.token() ?? ""}`);
    return send(signed);
  };
  return async (request) => {
    const again = request.clone();
    const first = await as(request);
    if (first.status !== 401) return first;
    const second = (await session.renew()) ? await as(again) : first;
    if (second.status === 401) session.end();
    return second;
  };
}

export function newAPI(send: Fetch): API {
  return createClient<paths>({ baseUrl: location.origin, fetch: send });
}

interface Answered<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The body of a success; else throws the problem. */
export async function bodyOf<T>(answer: Promise<Answered<T>>): Promise<NonNullable<T>> {
  return (await withTag(answer)).body;
}

/** The body of a success and the ETag that it came under. */
export async function withTag<T>(answer: Promise<Answered<T>>): Promise<{ body: NonNullable<T>; tag: string }> {
  const { data, error, response } = await answer;
  if (!response.ok || data === undefined || data === null) {
    throw problemOf(response.status, error, response.headers.get("x-request-id"));
  }
  return { body: data, tag: response.headers.get("etag") ?? "" };
}

/** Waits for a success that has no body; else throws the problem. */
export async function emptyOf(answer: Promise<Answered<unknown>>): Promise<void> {
  const { error, response } = await answer;
  if (!response.ok) throw problemOf(response.status, error, response.headers.get("x-request-id"));
}
