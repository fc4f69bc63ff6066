import type { Settings, Tenant, TenantChange } from "../api/types";

/** A tenant's settings as a form: each member a text, by the JSON pointer that the API has for it. */
export type SettingsForm = Readonly<Record<string, string>>;

type Kind = "text" | "number" | "lines" | "switch" | readonly string[];

export interface Member {
  /** Of TenantChange. */
  readonly pointer: string;
  readonly label: string;
  readonly explained: string;
  readonly standard: string;
  readonly kind: Kind;
  /** Whether the tenant's stack carries it, so that an operation brings the change. */
  readonly byStack: boolean;
  readonly read: (tenant: Tenant) => string;
}

export interface Section {
  readonly title: string;
  readonly explained: string;
  readonly members: readonly Member[];
}

const periods = ["day", "week", "month", "quarter", "year"] as const;

const kindsOfDocument = {
  softphonestreamstats: "Index period: seconds of calls",
  softphonecallreport: "Index period: reports of calls",
  apimetric: "Index period: API metrics",
  callsummary: "Index period: summaries of calls",
} as const;

type Thresholds = Settings["thresholds"];
type Of = (thresholds: Thresholds) => number | undefined;

const level = (path: string, label: string, standard: string, of: Of, explained = ""): Member => ({
  pointer: `/settings/thresholds/${path}`,
  label,
  explained,
  standard,
  kind: "number",
  byStack: true,
  read: ({ settings }) => String(of(settings.thresholds) ?? ""),
});

// Names, defaults and effects are those of docs/settings.md.
export const sections: readonly Section[] = [
  {
    title: "General",
    explained: "",
    members: [
      {
        pointer: "/display_name",
        label: "Display name",
        explained: "For people: the softphone shows it.",
        standard: "",
        kind: "text",
        byStack: true,
        read: ({ display_name }) => display_name,
      },
      {
        pointer: "/settings/privacy/ip",
        label: "Agents' network addresses",
        explained: "What is kept of them in records that arrive from now on.",
        standard: "full",
        kind: ["full", "truncated", "none"],
        byStack: true,
        read: ({ settings }) => settings.privacy.ip,
      },
      {
        pointer: "/settings/media_owner",
        label: "Who carries a call's audio",
        explained: "The framed panel of Amazon Connect, or the softphone's page itself, which needs a library that the operator supplies.",
        standard: "frame",
        kind: ["frame", "page"],
        byStack: true,
        read: ({ settings }) => settings.media_owner,
      },
      {
        pointer: "/settings/delete_protection",
        label: "Delete protection",
        explained: "Refuses off-boarding while it is on.",
        standard: "off",
        kind: "switch",
        byStack: false,
        read: ({ settings }) => (settings.delete_protection ? "on" : "off"),
      },
    ],
  },
  {
    title: "Who may send and frame",
    explained: "",
    members: [
      {
        pointer: "/settings/softphone_origins",
        label: "Further origins that may send telemetry",
        explained: "One a line, such as https://desk.example.com. The softphone's own is always among them.",
        standard: "none",
        kind: "lines",
        byStack: true,
        read: ({ settings }) => settings.softphone_origins.join("\n"),
      },
      {
        pointer: "/settings/ccp_hosts",
        label: "Further hosts of a Contact Control Panel",
        explained: "One a line: hosts outside Amazon Connect's own domains that a Connect instance's address may name.",
        standard: "none",
        kind: "lines",
        byStack: false,
        read: ({ settings }) => settings.ccp_hosts.join("\n"),
      },
    ],
  },
  {
    title: "How long, and in which indices",
    explained: "A longer period keeps fewer, larger indices. A new one holds for records from two to three days later on.",
    members: [
      {
        pointer: "/settings/retention_days",
        label: "Days that documents are kept, at least",
        explained: "1 to 3650. A shorter time deletes with the next round.",
        standard: "90",
        kind: "number",
        byStack: false,
        read: ({ settings }) => String(settings.retention_days),
      },
      {
        pointer: "/settings/archive_days",
        label: "Days that the archive is kept",
        explained: "1 to 3650. A replay reaches no further back.",
        standard: "90",
        kind: "number",
        byStack: true,
        read: ({ settings }) => String(settings.archive_days),
      },
      ...Object.entries(kindsOfDocument).map(
        ([kind, label]): Member => ({
          pointer: `/settings/index_period/${kind}`,
          label,
          explained: "",
          standard: "quarter",
          kind: periods,
          byStack: true,
          read: ({ settings }) => settings.index_period[kind] ?? "quarter",
        }),
      ),
    ],
  },
  {
    title: "When a call is other than good",
    explained: "For summaries computed from now on. A finding holds over its threshold; a score, under it.",
    members: [
      level("loss_percent/note", "Loss, % – worth a note", "1", ({ loss_percent }) => loss_percent?.note),
      level("loss_percent/degraded", "Loss, % – degraded", "2.5", ({ loss_percent }) => loss_percent?.degraded),
      level("loss_percent/severe", "Loss, % – severe", "10", ({ loss_percent }) => loss_percent?.severe),
      level("jitter_millis/degraded", "Jitter, ms – degraded", "30", ({ jitter_millis }) => jitter_millis?.degraded),
      level("jitter_millis/severe", "Jitter, ms – severe", "60", ({ jitter_millis }) => jitter_millis?.severe),
      level("jitter_buffer_millis/degraded", "Jitter buffer, ms – degraded", "150", (all) => all.jitter_buffer_millis?.degraded),
      level("jitter_buffer_millis/severe", "Jitter buffer, ms – severe", "300", (all) => all.jitter_buffer_millis?.severe),
      level("round_trip_millis/degraded", "Round trip, ms – degraded", "300", ({ round_trip_millis }) => round_trip_millis?.degraded),
      level("round_trip_millis/severe", "Round trip, ms – severe", "500", ({ round_trip_millis }) => round_trip_millis?.severe),
      level("mos/degraded", "MOS – degraded", "3.6", ({ mos }) => mos?.degraded),
      level("mos/severe", "MOS – severe", "3.1", ({ mos }) => mos?.severe),
      level("slow_connect_seconds/degraded", "Slow to connect, s – degraded", "10", (all) => all.slow_connect_seconds?.degraded),
      level("slow_connect_seconds/severe", "Slow to connect, s – severe", "15", (all) => all.slow_connect_seconds?.severe),
      level("nothing_received_seconds", "Nothing received, s", "5", ({ nothing_received_seconds }) => nothing_received_seconds),
      level("nothing_sent_seconds", "Nothing sent, s", "5", ({ nothing_sent_seconds }) => nothing_sent_seconds),
      level("silent_microphone_seconds", "Silent microphone, s", "15", ({ silent_microphone_seconds }) => silent_microphone_seconds),
      level("gap_seconds", "Missing seconds that are a lost connection", "5", ({ gap_seconds }) => gap_seconds),
      level("api_errors", "Errors of Connect's API", "3", ({ api_errors }) => api_errors),
      level("long_hold_seconds", "Long hold, s", "30", ({ long_hold_seconds }) => long_hold_seconds),
      level("long_mute_seconds", "Long mute, s", "30", ({ long_mute_seconds }) => long_mute_seconds),
    ],
  },
];

const members = new Map(sections.flatMap((section) => section.members).map((member) => [member.pointer, member]));

export const labelOf = (pointer: string): string => members.get(pointer)?.label ?? pointer;

export const settingsForm = (tenant: Tenant): SettingsForm => Object.fromEntries([...members.values()].map(({ pointer, read }) => [pointer, read(tenant)]));

/** Why a member's text cannot be sent, if it cannot. */
export function settingTrouble({ kind, pointer }: Member, text: string): string | undefined {
  if (kind === "number" && (text.trim() === "" || !Number.isFinite(Number(text)))) return "Use a number.";
  if (pointer === "/display_name" && text.trim() === "") return "Give it a name for people.";
  return undefined;
}

/** The change that makes base what form says: only the members that differ. */
export function changeOf(base: SettingsForm, form: SettingsForm): TenantChange {
  const change: Record<string, unknown> = {};
  for (const { pointer, kind } of members.values()) {
    const text = form[pointer] ?? "";
    if (text !== base[pointer]) place(change, pointer.slice(1).split("/"), valueOf(kind, text));
  }
  return change;
}

function valueOf(kind: Kind, text: string): unknown {
  switch (kind) {
    case "number":
      return Number(text);
    case "lines":
      return text.split(/\s+/).filter((line) => line !== "");
    case "switch":
      return text === "on";
    case "text":
      return text.trim();
    default:
      return text;
  }
}

function place(into: Record<string, unknown>, [name = "", ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    into[name] = value;
    return;
  }
  const inner = (into[name] ??= {});
  place(inner as Record<string, unknown>, rest, value); // only this function fills it
}
