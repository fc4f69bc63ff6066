import { expect, test } from "vitest";

import { instanceTroubles, likelySignIn, noInstance, readPasted, slugTrouble, suggestSlug } from "../src/tenants/instance";

const arn = "arn:aws:connect:eu-central-1:111122223333:instance/11111111-2222-4333-8444-555555555555";

test.each([
  [arn, { arn, region: "eu-central-1" }],
  [`Instance ARN\n  ${arn.toUpperCase().replace("ARN:AWS:CONNECT", "arn:aws:connect")}\n`, { arn, region: "eu-central-1" }],
  ["arn:aws-us-gov:connect:us-gov-west-1:111122223333:instance/11111111-2222-4333-8444-555555555555", {
    arn: "arn:aws-us-gov:connect:us-gov-west-1:111122223333:instance/11111111-2222-4333-8444-555555555555", region: "us-gov-west-1",
  }],
  ["https://acme-berlin.my.connect.aws/ccp-v2/", { alias: "acme-berlin", ccpUrl: "https://acme-berlin.my.connect.aws/ccp-v2" }],
  ["https://Acme.my.connect.aws/home?x=1#y", { alias: "acme", ccpUrl: "https://acme.my.connect.aws/ccp-v2" }],
  ["acme.my.connect.aws", { alias: "acme", ccpUrl: "https://acme.my.connect.aws/ccp-v2" }],
  ["https://acme.awsapps.com/connect/ccp#/", { alias: "acme", ccpUrl: "https://acme.awsapps.com/connect/ccp-v2" }],
  [`ARN: ${arn}, access URL: "https://acme.my.connect.aws"`, { arn, region: "eu-central-1", alias: "acme", ccpUrl: "https://acme.my.connect.aws/ccp-v2" }],
  ["", {}],
  ["arn:aws:s3:::bucket", {}],
  ["https://my.connect.aws.evil.example/ccp-v2", {}],
  ["https://acme.my.connect.aws.evil.example/ccp-v2", {}],
  ["https://a.b.my.connect.aws/ccp-v2", {}],
  ["arn:aws:connect:eu-central-1:111122223333:instance/1111", {}],
])("of %j is read %j", (text, want) => {
  expect(readPasted(text)).toEqual(want);
});

test.each([
  ["acme-berlin", "acmeberlin"],
  ["3com", "com"],
  ["a", ""],
  ["admin", ""],
  ["a-very-long-name-of-a-contact-centre", "averylongnameofacont"],
])("of the alias %s comes the slug %j", (alias, slug) => {
  expect(suggestSlug(alias)).toBe(slug);
});

test.each(["ab", "1abc", "Acme", "acme-eu", "a".repeat(21), "", "portal"])("%j is no slug", (slug) => {
  expect(slugTrouble(slug)).toBeTypeOf("string");
});

test("a slug is one", () => {
  expect(slugTrouble("acme2")).toBeUndefined();
});

test("an instance that is whole has no trouble; an empty one has three", () => {
  const whole = { alias: "acme", arn, ccpUrl: "https://acme.my.connect.aws/ccp-v2", samlUrl: "" };
  expect(instanceTroubles(whole)).toEqual({});
  expect(instanceTroubles({ ...whole, ccpUrl: "https://acme.awsapps.com/connect/ccp-v2/" })).toEqual({});
  expect(Object.keys(instanceTroubles(noInstance)).sort()).toEqual(["alias", "arn", "ccpUrl"]);
  expect(Object.keys(instanceTroubles({ ...whole, samlUrl: "http://plain.example", arn: `${arn}0`, ccpUrl: "https://acme.my.connect.aws/ccp" })).sort()).toEqual(["arn", "ccpUrl", "samlUrl"]);
});

test.each([
  ["https://acme.calls.example.com/", "https://fabrikam.calls.example.com/"],
  ["http://acme.localhost:8081/", "http://fabrikam.localhost:8081/"],
  ["https://calls.example.com/acme", undefined],
  [undefined, undefined],
])("beside acme's sign-in at %s, fabrikam's is likely %s", (url, likely) => {
  expect(likelySignIn("fabrikam", [{ slug: "acme", urls: url === undefined ? {} : { manager_sign_in: url } }])).toBe(likely);
});
