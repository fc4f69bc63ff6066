import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import type { Tenant } from "../src/api/types";
import { changeOf, sections, settingsForm, settingTrouble } from "../src/tenants/settings";

const settings: Tenant["settings"] = {
  privacy: { ip: "full" },
  softphone_origins: ["https://a.example", "https://b.example"],
  ccp_hosts: [],
  retention_days: 90,
  archive_days: 90,
  index_period: { softphonestreamstats: "quarter", softphonecallreport: "quarter", apimetric: "quarter", callsummary: "quarter" },
  thresholds: {
    loss_percent: { note: 1, degraded: 2.5, severe: 10 },
    jitter_millis: { degraded: 30, severe: 60 },
    jitter_buffer_millis: { degraded: 150, severe: 300 },
    round_trip_millis: { degraded: 300, severe: 500 },
    mos: { degraded: 3.6, severe: 3.1 },
    nothing_received_seconds: 5,
    nothing_sent_seconds: 5,
    silent_microphone_seconds: 15,
    slow_connect_seconds: { degraded: 10, severe: 15 },
    gap_seconds: 5,
    api_errors: 3,
    long_hold_seconds: 30,
    long_mute_seconds: 30,
  },
  media_owner: "frame",
  delete_protection: false,
};
const tenant: Tenant = {
  id: "1", slug: "acme", display_name: "Acme", state: "active", isolation: "pooled", cell: "local", external_id: "x", data_retained: false,
  connect_instances: [], settings, urls: {}, stack: {}, created_at: "2026-01-01T00:00:00Z", updated_at: "2026-01-01T00:00:00Z",
};
const form = settingsForm(tenant);
const members = sections.flatMap((section) => section.members);

test("every setting has its place in the form", () => {
  const leaves = (value: unknown, at: string): string[] =>
    typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value).flatMap(([name, inner]) => leaves(inner, `${at}/${name}`)) : [at];
  expect([...members.map(({ pointer }) => pointer)].sort()).toEqual(["/display_name", ...leaves(settings, "/settings")].sort());
});

test("a tenant of defaults shows the defaults that the form names", () => {
  const plain = settingsForm({ ...tenant, settings: { ...settings, softphone_origins: [] } });
  for (const { pointer, standard } of members) {
    if (pointer !== "/display_name") expect(plain[pointer] === "" ? "none" : plain[pointer], pointer).toBe(standard);
  }
});

test("docs/settings.md names each member that the form has", () => {
  const text = readFileSync("../docs/settings.md", "utf8");
  for (const { pointer } of members) {
    const [, , member = "", inner] = pointer.split("/");
    if (pointer === "/display_name") continue;
    expect(text, pointer).toContain(member === "thresholds" ? `\`${String(inner)}\`` : `\`settings.${member}`);
  }
});

test("only what differs is sent, in the API's own form", () => {
  expect(changeOf(form, form)).toEqual({});
  const next = {
    ...form,
    "/display_name": " Acme Ltd ",
    "/settings/retention_days": "30",
    "/settings/softphone_origins": "https://b.example\n\n https://c.example ",
    "/settings/delete_protection": "on",
    "/settings/privacy/ip": "none",
    "/settings/thresholds/mos/severe": "2.9",
    "/settings/index_period/apimetric": "year",
  };
  expect(changeOf(form, next)).toEqual({
    display_name: "Acme Ltd",
    settings: {
      retention_days: 30,
      softphone_origins: ["https://b.example", "https://c.example"],
      delete_protection: true,
      privacy: { ip: "none" },
      thresholds: { mos: { severe: 2.9 } },
      index_period: { apimetric: "year" },
    },
  });
});

test.each([
  ["/settings/retention_days", "", "Use a number."],
  ["/settings/retention_days", "ninety", "Use a number."],
  ["/settings/thresholds/mos/severe", "3.05", undefined],
  ["/display_name", "  ", "Give it a name for people."],
])("of %s, %j is told %j", (pointer, text, told) => {
  const member = members.find((one) => one.pointer === pointer);
  expect(member === undefined ? "no member" : settingTrouble(member, text)).toBe(told);
});
