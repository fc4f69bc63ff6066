/** What an admin pasted, understood. */
export interface Pasted {
  readonly alias?: string;
  readonly arn?: string;
  readonly region?: string;
  readonly ccpUrl?: string;
}

const arnForm = /arn:(?:aws|aws-us-gov|aws-cn):connect:([a-z]{2}(?:-[a-z]+)+-\d):\d{12}:instance\/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/i;
// The Connect domains of internal/tenant/address.go.
const hostForm = /^([a-z0-9][a-z0-9-]{0,61}[a-z0-9])\.(my\.connect\.aws|awsapps\.com)$/;

/**
 * Reads an instance's ARN, any address on its Amazon Connect host, or its host name, wherever in the text it stands. Several at
 * once complete each other.
 */
export function readPasted(text: string): Pasted {
  const found: { alias?: string; arn?: string; region?: string; ccpUrl?: string } = {};
  const arn = arnForm.exec(text);
  if (arn?.[1] !== undefined) {
    found.arn = arn[0].toLowerCase();
    found.region = arn[1].toLowerCase();
  }
  for (const word of text.split(/[\s,;"'<>()]+/)) {
    const host = hostOf(word);
    const match = host === undefined ? null : hostForm.exec(host);
    if (match?.[1] === undefined) continue;
    found.alias = match[1];
    found.ccpUrl = match[2] === "awsapps.com" ? `https://${host}/connect/ccp-v2` : `https://${host}/ccp-v2`;
    break;
  }
  return found;
}

function hostOf(word: string): string | undefined {
  try {
    return new URL(/^https?:\/\//i.test(word) ? word : `https://${word}`).hostname;
  } catch {
    return undefined;
  }
}

/** A slug made of an instance's alias, where one can be. */
export function suggestSlug(alias: string): string {
  const letters = alias.toLowerCase().replaceAll(/[^a-z0-9]/g, "").replace(/^\d+/, "").slice(0, 20);
  return slugTrouble(letters) === undefined ? letters : "";
}

// Of internal/slug/slug.go; the API decides.
const reserved = new Set(
  ("earshot admin global private security kibana kibanaserver opensearch top www api support portal gateway auth login status docs cdn mail " +
    "static app localhost anonymous probe").split(" "),
);

/** Why a text is no slug. */
export function slugTrouble(slug: string): string | undefined {
  if (!/^[a-z][a-z0-9]{2,19}$/.test(slug)) return "Use 3 to 20 lower-case letters or digits, beginning with a letter; no hyphens.";
  return reserved.has(slug) ? "This name is reserved; choose another." : undefined;
}

/**
 * Where managers of a tenant to come will sign in, told from another's address: hosts begin with the slug. Another cell may have
 * another gateway, so that it is a likely address until the stack stands.
 */
export function likelySignIn(slug: string, others: readonly { readonly slug: string; readonly urls: { readonly manager_sign_in?: string } }[]): string | undefined {
  for (const other of others) {
    const url = other.urls.manager_sign_in === undefined ? undefined : new URL(other.urls.manager_sign_in);
    if (url?.hostname.startsWith(`${other.slug}.`) !== true) continue;
    url.hostname = slug + url.hostname.slice(other.slug.length);
    return url.href;
  }
  return undefined;
}

export interface InstanceForm {
  readonly alias: string;
  readonly arn: string;
  readonly ccpUrl: string;
  readonly samlUrl: string;
}

export const noInstance: InstanceForm = { alias: "", arn: "", ccpUrl: "", samlUrl: "" };

/** What can be said of an instance before the API is asked, by member. */
export function instanceTroubles(form: InstanceForm): Partial<Record<keyof InstanceForm, string>> {
  const troubles: Partial<Record<keyof InstanceForm, string>> = {};
  const arn = arnForm.exec(form.arn);
  if (arn === null || arn[0] !== form.arn) troubles.arn = "This is no ARN of a Connect instance. The console shows it under Amazon Connect, the instance, Account overview.";
  if (!/^[a-z0-9][a-z0-9-]{0,61}[a-z0-9]$/.test(form.alias)) troubles.alias = "Use 2 to 63 lower-case letters, digits or hyphens; a letter or digit at both ends.";
  if (!/^https?:\/\/[^/]+\/(connect\/)?ccp-v2\/?$/.test(form.ccpUrl)) troubles.ccpUrl = "The address of the Contact Control Panel ends in /ccp-v2: https://<alias>.my.connect.aws/ccp-v2.";
  if (form.samlUrl !== "" && !/^https:\/\/[^/]+/.test(form.samlUrl)) troubles.samlUrl = "Use an https address, or leave it empty.";
  return troubles;
}
