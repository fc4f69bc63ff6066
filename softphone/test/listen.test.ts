import { expect, test } from "vitest";

import type { Contact, Library } from "../src/ccp/library";
import { listen, type Listener } from "../src/ccp/listen";
import { Collector, type Batch } from "../src/collect/collector";
import { FakeClock } from "./fake-clock";

/** The part of the library that is listened to, moved by hand. */
function setup(listener: Listener = {}) {
  const clock = new FakeClock();
  const batches: Batch[] = [];
  const subscribers = new Map<string, (data: unknown) => void>();
  const nothing = { unsubscribe: () => undefined };
  let onContact: (contact: Contact) => void = () => undefined;
  let onMute: (state: { muted?: unknown }) => void = () => undefined;
  const collector = new Collector({
    instance: "berlin", pageId: crypto.randomUUID(), device: {}, clock, openPages: () => 1, privateIp: () => undefined, put: (batch) => batches.push(batch),
    hold: () => undefined,
  });
  const library: Library = {
    EventType: { SOFTPHONE_STATS: "softphone_stats" },
    core: {
      initCCP: () => undefined, initSoftphoneManager: () => undefined, getUpstream: () => ({ onUpstream: () => nothing }),
      getEventBus: () => ({ subscribe: (event, run) => (subscribers.set(event, run), nothing) }),
    },
    agent: (run) => { run({ getConfiguration: () => ({ username: "kim" }), onRefresh: () => nothing, onMuteToggle: (muted) => ((onMute = muted), nothing) }); },
    contact: (run) => { onContact = run; },
  };
  listen(library, collector, listener);
  return {
    clock, batches, mute: (muted: unknown) => { onMute({ muted }); },
    tell: (event: string, data: unknown) => subscribers.get(event)?.(data),
    contact: (id: string, more: Partial<Contact> = {}) => {
      let ended: (contact: Contact) => void = () => undefined;
      const contact: Contact = {
        getContactId: () => id, getType: () => "voice", getQueue: () => ({ name: "Support" }), getStatus: () => ({ type: "connecting" }),
        getAgentConnection: () => null, getInitialConnection: () => null, onRefresh: () => nothing, onDestroy: () => nothing,
        onEnded: (run) => ((ended = run), nothing), ...more,
      };
      onContact(contact);
      return () => { ended(contact); };
    },
    second: (id: string) => {
      const stats = [{ softphoneStreamType: "audio_input", timestamp: new Date(clock.now()), packetsCount: 50, packetsLost: 0 }];
      subscribers.get("softphone_stats")?.({ contactId: id, stats });
      const body = batches.at(-1)?.body as { softphoneStreamStatistics: { muted?: boolean; onHold?: boolean }[] };
      return body.softphoneStreamStatistics[0];
    },
  };
}

test("the only call begins unmuted; a second that rings while the agent is muted changes nothing", () => {
  const { contact, mute, second } = setup();
  contact("k");
  expect(second("k")?.muted).toBe(false);
  mute(true);
  const end = contact("l");
  expect(second("k")?.muted).toBe(true);
  end();
});

test("of a call that was up before the page nobody knows whether it is muted", () => {
  const { contact, second } = setup();
  contact("k", { getStatus: () => ({ type: "connected" }), getInitialConnection: () => ({ isOnHold: () => true }) });
  expect(second("k")).toMatchObject({ onHold: true });
  expect(second("k")?.muted).toBeUndefined();
});

test("chats and tasks are no calls", () => {
  const seen: string[] = [];
  const { contact } = setup({ contact: (id) => seen.push(id) });
  contact("chat", { getType: () => "chat" });
  contact("k");
  expect(seen).toEqual(["k"]);
});

test("a page that is not the one for it posts no API metrics, and a wrong event does no harm", async () => {
  let isLeader = false;
  const { tell, clock, batches, contact } = setup({ postsMetrics: () => isLeader, contact: () => { throw new Error("a fault of the bar"); } });
  tell("api_metric", { name: "acceptContact", time: 1 });
  for (const event of ["softphone_stats", "softphone_report", "api_metric"]) for (const data of [null, 7, [], {}, undefined]) tell(event, data);
  expect(() => contact("k")).not.toThrow();
  isLeader = true;
  tell("api_metric", { name: "createTransport", time: 2 });
  await clock.pass(120_000);
  expect(batches.map((batch) => batch.body)).toMatchObject([{ API_METRIC: [{ name: "createTransport" }] }]);
});
