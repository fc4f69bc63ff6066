// What only a browser has, behind the interfaces that the rest is tested with.

import type { Device } from "./collect/collector";
import type { Exclusive } from "./outbox/outbox";
import { memoryStore, openStore, type Store } from "./outbox/store";

/** The browser's own storage; undefined where it is forbidden. */
export function storage(): Storage | undefined {
  try {
    return window.localStorage;
  } catch {
    return undefined;
  }
}

export interface OpenedStore {
  readonly store: Promise<Store>;
  /** Whether what is kept outlives the page. */
  readonly isLasting: Promise<boolean>;
}

export function store(): OpenedStore {
  const lasting = openStore("earshot", () => Date.now());
  return {
    store: lasting.catch(() => memoryStore(() => Date.now())),
    isLasting: lasting.then(() => true, () => false),
  };
}

/** One page at a time. Where a browser has no locks, ids that derive from content make a double harmless. */
export const exclusive: Exclusive = async (work) => {
  const available = locks();
  return available === undefined ? work() : await available.request("earshot.outbox", work);
};

const pagePrefix = "earshot.page.";

/** Counts the softphone pages of this browser: each holds a lock, which ends with it, however it ends. */
export function pageCounter(pageId: string, changed: (pages: number) => void): () => number {
  let pages = 1;
  const forever = new Promise<never>(() => undefined);
  locks()?.request(pagePrefix + pageId, () => forever).catch(() => undefined);
  const count = async (): Promise<void> => {
    const found = (await locks()?.query())?.held?.filter((lock) => lock.name?.startsWith(pagePrefix)).length ?? 1;
    if (Math.max(1, found) !== pages) changed((pages = Math.max(1, found)));
  };
  const again = (): void => { count().catch(() => undefined); };
  setInterval(again, 5000);
  setTimeout(again, 500);
  return () => pages;
}

/** Whether this page is the one of several that does something. It becomes so when the one before is closed. */
export function leader(what: string): () => boolean {
  const held = locks();
  if (held === undefined) return () => true;
  let isLeader = false;
  held.request(`earshot.leader.${what}`, () => {
    isLeader = true;
    return new Promise<never>(() => undefined);
  }).catch(() => { isLeader = true; });
  return () => isLeader;
}

function locks(): LockManager | undefined {
  return "locks" in navigator ? navigator.locks : undefined; // not in insecure contexts
}

export function device(navigator: Navigator): Device {
  const { hardwareConcurrency: cpus, userAgent } = navigator;
  const memoryGiB = (navigator as { deviceMemory?: number }).deviceMemory; // Chromium only
  const match = /(Edg|OPR|Firefox|Chrome|Version)\/([\d.]+)/.exec(userAgent.replace(/Chrome(?=.*(?:Edg|OPR)\/)/, ""));
  const names: Readonly<Record<string, string>> = { Edg: "Edge", OPR: "Opera", Version: "Safari" };
  return {
    ...(cpus > 0 ? { cpus } : {}),
    ...(memoryGiB === undefined ? {} : { memoryGiB }),
    ...(match?.[1] === undefined ? {} : { browser: names[match[1]] ?? match[1], browserVersion: match[2] ?? "" }),
  };
}

/** Finds the address of this computer in its own network. Most browsers show a name that hides it (….local). */
export function privateIp(): () => string | undefined {
  let address: string | undefined;
  if (typeof RTCPeerConnection === "undefined") return () => undefined;
  try {
    const probe = new RTCPeerConnection();
    probe.createDataChannel("");
    probe.onicecandidate = ({ candidate }) => {
      if (candidate?.type === "host" && candidate.address) address ??= candidate.address;
    };
    probe.createOffer().then((offer) => probe.setLocalDescription(offer)).catch(() => undefined);
    setTimeout(() => { probe.close(); }, 3000);
  } catch {
    // No peer connections here.
  }
  return () => address;
}
