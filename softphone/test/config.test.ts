import { expect, test } from "vitest";

import { chooseInstance, ConfigError, parseConfig, readConfig, rememberInstance } from "../src/config";

const good = {
  tenant: "acme", displayName: "Acme", region: "eu-central-1", telemetryApi: "https://a.execute-api.eu-central-1.amazonaws.com/v1",
  connectInstances: [
    { alias: "berlin", region: "eu-central-1", ccpUrl: "https://berlin.my.connect.aws/ccp-v2", samlUrl: "" },
    { alias: "york", region: "eu-west-2", ccpUrl: "https://york.my.connect.aws/ccp-v2", samlUrl: "https://idp.example.com/x" },
  ],
  mediaOwner: "frame", artifactVersion: "v1",
};
const faultOf = (run: () => unknown) => {
  try {
    run();
  } catch (error) {
    return (error as ConfigError).fault;
  }
  return undefined;
};
const answer = (body: string, status = 200) => () => Promise.resolve(new Response(body, { status }));

test("a configuration is taken as the provider writes it, with members of a newer one", () => {
  expect(parseConfig({ ...good, tomorrow: 1 }).connectInstances).toHaveLength(2);
});

test.each([
  ["no object", [], ["everything"]],
  ["nothing", {}, ["tenant", "displayName", "region", "artifactVersion", "telemetryApi", "mediaOwner", "connectInstances"]],
  ["an API that is none", { ...good, telemetryApi: "javascript:alert(1)" }, ["telemetryApi"]],
  ["a CCP that is none", { ...good, connectInstances: [good.connectInstances[0], { alias: "x", ccpUrl: "data:text/html,x" }] }, ["connectInstances[1]"]],
  ["a SAML address that is none", { ...good, connectInstances: [{ ...good.connectInstances[0], samlUrl: "x" }] }, ["connectInstances[0]"]],
  ["an owner that is none", { ...good, mediaOwner: "both" }, ["mediaOwner"]],
  ["a library without a hash", { ...good, rtcScript: { src: "rtc.js", integrity: "" } }, ["rtcScript"]],
])("%s: the page is told what is wrong", (_, value, members) => {
  expect(faultOf(() => parseConfig(value))).toEqual({ kind: "wrong", members });
});

test.each([
  ["no network", () => Promise.reject(new TypeError("offline")), { kind: "unreachable" }],
  ["no file", answer("", 403), { kind: "missing", status: 403 }],
  ["the page instead of the file", answer("<!doctype html>"), { kind: "not_json" }],
])("%s: a ConfigError says so", async (_, fetch, fault) => {
  await expect(readConfig(fetch)).rejects.toMatchObject({ fault });
});

test("the instance: the address first, then the one chosen last, else the agent is asked", () => {
  const config = parseConfig(good);
  const memory = new Map<string, string>();
  const storage = { getItem: (key: string) => memory.get(key) ?? null, setItem: (key: string, value: string) => void memory.set(key, value) };
  expect(chooseInstance(config, "", storage)).toBe("ask");
  rememberInstance("york", storage);
  expect(chooseInstance(config, "", storage)).toMatchObject({ instance: { alias: "york" } });
  expect(chooseInstance(config, "?instance=berlin", storage)).toMatchObject({ instance: { alias: "berlin" } });
  expect(chooseInstance(config, "?instance=rome", storage)).toEqual({ unknown: "rome" });
  rememberInstance("gone", storage);
  expect(chooseInstance(config, "", storage)).toBe("ask");
  expect(chooseInstance(parseConfig({ ...good, connectInstances: [good.connectInstances[0]] }), "", undefined)).toMatchObject({ instance: { alias: "berlin" } });
  expect(chooseInstance(parseConfig({ ...good, connectInstances: [] }), "", storage)).toBe("none");
});
