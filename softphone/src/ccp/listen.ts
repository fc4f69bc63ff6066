import type { Collector } from "../collect/collector";
import { isObject, type Members } from "../collect/events";
import { mediaOf } from "../collect/media";
import type { StreamRecord } from "../wire/types.gen";
import type { Agent, Contact, Library } from "./library";

/** What else wants to know of the calls: the bar of our own page. */
export interface Listener {
  readonly agent?: (username: string) => void;
  readonly contact?: (contactId: string, change: { queue?: string | undefined; connected: boolean }) => void;
  readonly seconds?: (contactId: string, records: readonly StreamRecord[]) => void;
  readonly ended?: (contactId: string) => void;
  /** Whether this page is the one of the browser that posts API metrics, which come to all of them. */
  readonly postsMetrics?: () => boolean;
}

/**
 * Passes what the Connect library publishes to the collector. Statistics come over the library's bus whoever owns the media.
 * A fault in here must never reach the library, whose own work a call needs.
 */
export function listen(connect: Library, collector: Collector, listener: Listener = {}): void {
  const bus = connect.core.getEventBus();
  const on = (event: string, run: (data: Members) => void): void => {
    bus.subscribe(connect.EventType[event] ?? event.toLowerCase(), (data) => {
      if (isObject(data)) guarded(() => { run(data); });
    });
  };
  on("SOFTPHONE_STATS", (data) => {
    const records = collector.addStats(data);
    if (typeof data["contactId"] === "string") listener.seconds?.(data["contactId"], records);
  });
  on("SOFTPHONE_REPORT", (data) => { collector.addReport(data); });
  on("API_METRIC", (data) => {
    if (listener.postsMetrics?.() ?? true) collector.addMetric(data);
  });
  connect.agent((agent) => { guarded(() => { listenToAgent(agent, collector, listener); }); });
  const live = new Set<string>();
  connect.contact((contact) => { guarded(() => { listenToContact(contact, live, collector, listener); }); });
}

function guarded(run: () => void): void {
  try {
    run();
  } catch {
    // Of a library that answers otherwise than expected: the statistics suffer, the call must not.
  }
}

function listenToAgent(agent: Agent, collector: Collector, listener: Listener): void {
  const tell = (it: Agent): void => {
    const { username, routingProfile } = it.getConfiguration();
    if (typeof username !== "string") return;
    collector.setAgent(username, routingProfile?.name);
    listener.agent?.(username);
  };
  tell(agent);
  agent.onRefresh((it) => { guarded(() => { tell(it); }); });
  agent.onMuteToggle((state) => { collector.setMuted(typeof state.muted === "boolean" ? state.muted : undefined); });
}

function listenToContact(contact: Contact, live: Set<string>, collector: Collector, listener: Listener): void {
  if (contact.getType() !== "voice") return;
  const contactId = contact.getContactId();
  // An agent's only call begins unmuted when it rings. Of one that was up before this page nobody knows.
  if (live.size === 0 && isRinging(contact)) collector.setMuted(false);
  live.add(contactId);
  const tell = (it: Contact): void => {
    const agentSide = it.getAgentConnection();
    const queue = it.getQueue()?.name ?? undefined;
    collector.setContact(contactId, { queue, media: mediaOf(agentSide?.getMediaInfo?.()?.callConfigJson) });
    const onHold = [agentSide, it.getInitialConnection()].some((side) => side?.isOnHold?.() === true);
    collector.setOnHold(contactId, onHold);
    listener.contact?.(contactId, { queue, connected: it.getStatus().type === "connected" });
  };
  tell(contact);
  const end = (): void => {
    live.delete(contactId);
    listener.ended?.(contactId);
  };
  contact.onRefresh((it) => { guarded(() => { tell(it); }); });
  contact.onEnded(end);
  contact.onDestroy(end);
}

const isRinging = (contact: Contact): boolean => ["connecting", "incoming", "pending"].includes(contact.getStatus().type ?? "");
