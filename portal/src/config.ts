/** What the admin service says of itself in /portal-config.json. */
export interface PortalConfig {
  /** Where the portal is, as the sign-in knows it. */
  readonly url: string | undefined;
  readonly issuer: string;
  readonly clientId: string;
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  readonly endSessionEndpoint: string | undefined;
}

/** Reads the configuration, or throws with the names of what is missing. */
export function readConfig(value: unknown): PortalConfig {
  const members: Record<string, unknown> = typeof value === "object" && value !== null ? { ...value } : {};
  const missing: string[] = [];
  const optional = (name: string): string | undefined => {
    const member = members[name];
    return typeof member === "string" && member !== "" ? member : undefined;
  };
  const text = (name: string): string => {
    const member = optional(name);
    if (member === undefined) missing.push(name);
    return member ?? "";
  };
  const config: PortalConfig = {
    url: optional("url"),
    issuer: text("issuer"),
    clientId: text("client_id"),
    authorizationEndpoint: text("authorization_endpoint"),
    tokenEndpoint: text("token_endpoint"),
    endSessionEndpoint: optional("end_session_endpoint"),
  };
  if (missing.length > 0) throw new Error(`portal-config.json lacks ${missing.join(", ")}`);
  return config;
}

/** The same page where the sign-in expects the portal, if it was opened elsewhere: it takes people back to one address only. */
export function elsewhere(config: PortalConfig, location: URL): string | undefined {
  if (config.url === undefined) return undefined;
  const origin = new URL(config.url).origin;
  return origin === location.origin ? undefined : origin + location.pathname + location.search + location.hash;
}
