/** What config.json of a tenant's site says; the stack's provider writes it. */
export interface Config {
  readonly tenant: string;
  readonly displayName: string;
  readonly region: string;
  readonly telemetryApi: string;
  readonly connectInstances: readonly Instance[];
  readonly mediaOwner: "frame" | "page";
  /** The RTC library that the operator supplies, for a page that owns the media. */
  readonly rtcScript?: { readonly src: string; readonly integrity: string };
  readonly artifactVersion: string;
}

export interface Instance {
  readonly alias: string;
  readonly region: string;
  readonly ccpUrl: string;
  readonly samlUrl?: string;
}

export type ConfigFault =
  | { readonly kind: "unreachable" }
  | { readonly kind: "missing"; readonly status: number }
  | { readonly kind: "not_json" }
  | { readonly kind: "wrong"; readonly members: readonly string[] };

export class ConfigError extends Error {
  constructor(readonly fault: ConfigFault) {
    super(`config.json: ${fault.kind}`);
  }
}

/** Reads config.json. Throws a ConfigError that says what is wrong with it. */
export async function readConfig(fetch: typeof globalThis.fetch): Promise<Config> {
  let answer: Response;
  try {
    answer = await fetch("config.json", { cache: "no-store" });
  } catch {
    throw new ConfigError({ kind: "unreachable" });
  }
  if (!answer.ok) throw new ConfigError({ kind: "missing", status: answer.status });
  let value: unknown;
  try {
    value = await answer.json();
  } catch {
    throw new ConfigError({ kind: "not_json" });
  }
  return parseConfig(value);
}

type Members = Readonly<Record<string, unknown>>;

/** Checks a configuration. Members that this version does not know are passed over. */
export function parseConfig(value: unknown): Config {
  if (!isObject(value)) throw new ConfigError({ kind: "wrong", members: ["everything"] });
  const wrong = ["tenant", "displayName", "region", "artifactVersion"].filter((name) => !isText(value[name]));
  if (!isAddress(value["telemetryApi"])) wrong.push("telemetryApi");
  if (!["frame", "page"].includes(value["mediaOwner"] as string)) wrong.push("mediaOwner");
  if (value["rtcScript"] !== undefined && !isScript(value["rtcScript"])) wrong.push("rtcScript");
  const instances = value["connectInstances"];
  if (!Array.isArray(instances)) {
    wrong.push("connectInstances");
  } else {
    instances.forEach((instance: unknown, i) => {
      if (!isInstance(instance)) wrong.push(`connectInstances[${i}]`);
    });
  }
  if (wrong.length > 0) throw new ConfigError({ kind: "wrong", members: wrong });
  return value as unknown as Config; // every member of the type was checked above
}

function isInstance(value: unknown): boolean {
  return (
    isObject(value) &&
    isText(value["alias"]) &&
    isAddress(value["ccpUrl"]) &&
    (value["samlUrl"] === undefined || value["samlUrl"] === "" || isAddress(value["samlUrl"]))
  );
}

function isScript(value: unknown): boolean {
  return isObject(value) && isText(value["src"]) && /^sha(256|384|512)-[A-Za-z0-9+/=]{40,}$/.test(String(value["integrity"]));
}

function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function isAddress(value: unknown): boolean {
  try {
    return isText(value) && ["https:", "http:"].includes(new URL(value).protocol);
  } catch {
    return false;
  }
}

const remembered = "earshot.instance";

export type Choice = { readonly instance: Instance } | { readonly unknown: string } | "ask" | "none";

/** Chooses the instance that the address names, else the only one, else the one chosen last, else nobody: the agent is asked. */
export function chooseInstance(config: Config, query: string, memory: Pick<Storage, "getItem"> | undefined): Choice {
  const all = config.connectInstances;
  if (all.length === 0) return "none";
  const named = new URLSearchParams(query).get("instance");
  if (named !== null) {
    const instance = all.find((it) => it.alias === named);
    return instance === undefined ? { unknown: named } : { instance };
  }
  const last = memory?.getItem(remembered);
  const instance = all.length === 1 ? all[0] : all.find((it) => it.alias === last);
  return instance === undefined ? "ask" : { instance };
}

export function rememberInstance(alias: string, memory: Pick<Storage, "setItem"> | undefined): void {
  memory?.setItem(remembered, alias);
}
