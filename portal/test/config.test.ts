import { expect, test } from "vitest";

import { elsewhere, readConfig } from "../src/config";

const good = {
  url: "http://localhost:8080/", issuer: "https://issuer.example/pool", client_id: "c", authorization_endpoint: "https://a.example/authorize",
  token_endpoint: "https://a.example/token", end_session_endpoint: "https://a.example/logout",
};

test("the configuration is read", () => {
  expect(readConfig(good)).toEqual({
    url: good.url, issuer: good.issuer, clientId: "c", authorizationEndpoint: good.authorization_endpoint, tokenEndpoint: good.token_endpoint,
    endSessionEndpoint: good.end_session_endpoint,
  });
});

test.each([
  [{}, "issuer, client_id, authorization_endpoint, token_endpoint"],
  [null, "issuer"],
  [{ ...good, client_id: 7 }, "client_id"],
  [{ ...good, token_endpoint: "" }, "token_endpoint"],
])("%j lacks %s", (value, missing) => {
  expect(() => readConfig(value)).toThrow(missing);
});

test.each([
  ["http://127.0.0.1:8080/tenants/acme?x=1#y", "http://localhost:8080/tenants/acme?x=1#y"],
  ["http://localhost:8080/tenants", undefined],
])("whoever opens %s is taken to %s", (here, there) => {
  expect(elsewhere(readConfig(good), new URL(here))).toBe(there);
});

test("without an address of its own the portal stays where it is", () => {
  expect(elsewhere(readConfig({ ...good, url: undefined }), new URL("http://127.0.0.1/"))).toBeUndefined();
});
