import { isObject } from "./events";

/** Where a call's media goes, without what would let anybody in. */
export interface Media {
  readonly signalingHost?: string;
  readonly iceHosts?: string[];
}

const hostForm = /^(?:[A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$/;
const iceForm = /^(turns?|stuns?):(?:[^@?]*@)?([^@?]+)(?:\?[^@]*)?$/;

/** Reads callConfigJson, a text that holds JSON, or that JSON already. User names, credentials and tokens stay in it. */
export function mediaOf(callConfigJson: unknown): Media {
  let config: unknown = callConfigJson;
  if (typeof config === "string") {
    try {
      config = JSON.parse(config);
    } catch {
      return {};
    }
  }
  if (!isObject(config)) return {};
  const iceHosts = (Array.isArray(config["iceServers"]) ? config["iceServers"] : [])
    .flatMap((server: unknown) => (isObject(server) ? [server["urls"], server["url"]].flat() : []))
    .flatMap((address: unknown) => iceHost(address))
    .slice(0, 20);
  const signalingHost = hostOf(config["signalingEndpoint"]);
  return { ...(signalingHost === undefined ? {} : { signalingHost }), ...(iceHosts.length === 0 ? {} : { iceHosts }) };
}

function iceHost(address: unknown): string[] {
  const match = typeof address === "string" ? iceForm.exec(address) : null;
  const host = match?.[2] ?? "";
  return match?.[1] !== undefined && hostForm.test(host) ? [`${match[1]}:${host}`] : [];
}

function hostOf(address: unknown): string | undefined {
  try {
    const host = new URL(String(address)).host;
    return hostForm.test(host) ? host : undefined;
  } catch {
    return undefined;
  }
}
