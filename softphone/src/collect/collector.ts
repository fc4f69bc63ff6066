import { every, type Clock } from "../clock";
import { schemaVersion, type APIBody, type APIRecord, type Call, type ReportBody, type Sender, type StreamBody, type StreamRecord } from "../wire/types.gen";
import { instant, isObject, name, quantity, type MetricEvent, type ReportEvent, type StatsEvent } from "./events";
import type { Media } from "./media";
import { batchIds } from "./ids";
import { Timeline } from "./timeline";

export type Route = "softphonemetrics" | "apimetrics" | "callreport";

/** A body that lacks only what is known when it is sent. */
export type Unsent = Without<StreamBody | APIBody | ReportBody, "sentAt" | "droppedRecords">;

type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never; // of each member of a union

export interface Batch {
  readonly route: Route;
  readonly body: Unsent;
  readonly records: number;
}

/** What the collecting code is told of the computer. */
export interface Device {
  readonly cpus?: number;
  readonly memoryGiB?: number;
  readonly browser?: string;
  readonly browserVersion?: string;
}

export interface Options {
  readonly instance: string;
  readonly pageId: string;
  readonly device: Device;
  readonly clock: Clock;
  /** Softphone pages of this browser, this one included. */
  readonly openPages: () => number;
  readonly privateIp: () => string | undefined;
  /** Takes each batch; must not throw and must not take long: a call goes on meanwhile. */
  readonly put: (batch: Batch) => void;
  /** Takes what a batch has so far. The same batch comes again with more, or to be put, and takes its place. */
  readonly hold: (batch: Batch) => void;
}

/** What is known of a contact besides its statistics. */
export interface ContactFacts {
  readonly queue?: string | undefined;
  readonly media?: Media | undefined;
}

interface Contact {
  facts: ContactFacts;
  onHold: Timeline<boolean>;
  markedBadAt: string[];
  /** No body of the contact may come any more. */
  reported: boolean;
}

const maxRecords = 500; // of one body
const maxMarks = 20;
const metricsMillis = 30_000;
const patientMillis = 120_000; // of API metrics of which none failed
const maxContacts = 50; // remembered; an agent has a handful at once
const maxPending = 200; // batches, while nobody has said who the agent is

/**
 * Turns what the Connect library publishes into bodies of schema 2. A statistic belongs to the contact that its event names;
 * statistics are passed on as they come (the library publishes them every 30 s and at the end). API metrics are looked at every
 * 30 s: what failed goes then, with all that wait, and so does everything when a call has ended; else they are held for up to two
 * minutes, since a body of one or two is mostly names. Nothing is sent without the agent's name: until it is known, batches wait, and of too many the oldest go.
 */
export class Collector {
  readonly #options: Options;
  readonly #contacts = new Map<string, Contact>();
  readonly #muted = new Timeline<boolean | undefined>();
  readonly #newId: () => string;
  readonly #stop: () => void;
  #agent: string | undefined;
  #routingProfile: string | undefined;
  #metrics: { batchId: string; since: number; records: APIRecord[] } | undefined;
  #pending: ((agent: string) => Batch)[] = [];

  constructor(options: Options) {
    this.#options = options;
    this.#newId = batchIds(options.pageId);
    this.#stop = every(options.clock, metricsMillis, () => {
      this.#lookAtMetrics();
    });
  }

  /** Names the agent, and so lets go what has waited. */
  setAgent(username: string, routingProfile: string | undefined): void {
    this.#agent = name(username);
    this.#routingProfile = name(routingProfile);
    if (this.#agent === undefined) return;
    const agent = this.#agent;
    this.#pending.splice(0).forEach((make) => {
      this.#options.put(make(agent));
    });
  }

  setContact(contactId: string, facts: ContactFacts): void {
    const contact = this.#contact(contactId);
    contact.facts = { queue: facts.queue ?? contact.facts.queue, media: facts.media ?? contact.facts.media };
  }

  /** Notes whether the agent is muted from now on; undefined: nobody knows. */
  setMuted(muted: boolean | undefined): void {
    this.#muted.set(this.#options.clock.now(), muted);
  }

  setOnHold(contactId: string, onHold: boolean): void {
    this.#contact(contactId).onHold.set(this.#options.clock.now(), onHold);
  }

  /**
   * Notes that the agent calls the last 30 s of a contact bad. The next body of the contact says so, and all after it; after its report
   * that is a body of its own.
   */
  mark(contactId: string): void {
    const contact = this.#contact(contactId);
    if (contact.markedBadAt.length >= maxMarks) return;
    contact.markedBadAt.push(new Date(this.#options.clock.now()).toISOString());
    if (contact.reported) this.#put("callreport", 1, this.#call(contactId));
  }

  addStats(event: StatsEvent): StreamRecord[] {
    const contactId = name(event.contactId, 128);
    const records = (Array.isArray(event.stats) ? event.stats : []).flatMap((stat: unknown) => this.#record(contactId, stat));
    if (contactId === undefined) return records; // of nobody's call: shown, not sent
    for (let from = 0; from < records.length; from += maxRecords) {
      const some = records.slice(from, from + maxRecords);
      this.#put("softphonemetrics", some.length, { ...this.#call(contactId), softphoneStreamStatistics: some });
    }
    return records;
  }

  addReport(event: ReportEvent): void {
    const contactId = name(event.contactId, 128);
    if (contactId === undefined || !isObject(event.report)) return;
    const report = Object.fromEntries(Object.entries(event.report).filter(([member]) => member !== "callConfigJson"));
    const { cpus, memoryGiB, browser, browserVersion } = this.#options.device;
    const ccpVersion = name(event.ccpVersion);
    this.#put("callreport", 1, {
      ...this.#call(contactId),
      ...(cpus === undefined ? {} : { numberofCpu: cpus }),
      ...(memoryGiB === undefined ? {} : { localDeviceMemoryLimit: memoryGiB }),
      ...(browser === undefined ? {} : { agentBrowserName: browser }),
      ...(browserVersion === undefined ? {} : { agentBrowserversion: browserVersion }),
      ...(ccpVersion === undefined ? {} : { ccpVersion }),
      report,
    });
    this.#contact(contactId).reported = true;
    this.flush(); // the call's verdict is made of its API errors too
  }

  addMetric(event: MetricEvent): void {
    const called = name(event.name);
    if (called === undefined) return;
    const status = statusOf(event.optionalDimensions);
    const record: APIRecord = {
      name: called,
      timestamp: new Date(this.#options.clock.now()).toISOString(),
      time: quantity(event.time),
      error: Boolean(event.error) || Boolean(event.error5xx),
      fault: Boolean(event.fault),
      ...(status === undefined ? {} : { optionalDimensions: [{ name: "HttpStatusCode", value: status }] }),
    };
    this.#metrics ??= { batchId: this.#newId(), since: this.#options.clock.monotonic(), records: [] };
    this.#metrics.records.push(record);
    if (this.#metrics.records.length >= maxRecords) this.flush();
  }

  /** Passes on the API metrics that wait: before the page goes. */
  flush(): void {
    if (this.#metrics === undefined) return;
    const { batchId, records } = this.#metrics;
    this.#metrics = undefined;
    this.#put("apimetrics", records.length, { API_METRIC: records }, batchId);
  }

  stop(): void {
    this.#stop();
  }

  #lookAtMetrics(): void {
    if (this.#metrics === undefined) return;
    const { batchId, since, records } = this.#metrics;
    const isPressing = records.some((record) => record.error || record.fault);
    if (isPressing || this.#options.clock.monotonic() - since >= patientMillis - metricsMillis) {
      this.flush();
      return;
    }
    if (this.#agent !== undefined) this.#options.hold(this.#batch(this.#agent, "apimetrics", records.length, { API_METRIC: [...records] }, batchId));
  }

  #contact(contactId: string): Contact {
    let contact = this.#contacts.get(contactId);
    if (contact === undefined) {
      contact = { facts: {}, onHold: new Timeline(), markedBadAt: [], reported: false };
      this.#contacts.set(contactId, contact);
      const oldest = this.#contacts.keys().next().value;
      if (this.#contacts.size > maxContacts && oldest !== undefined) this.#contacts.delete(oldest);
    }
    return contact;
  }

  #call(contactId: string): Call {
    const { facts, markedBadAt } = this.#contact(contactId);
    const privateIp = name(this.#options.privateIp());
    const queue = name(facts.queue);
    return {
      contactId,
      ...(privateIp === undefined ? {} : { agentPrivateIp: privateIp }),
      ...(this.#routingProfile === undefined ? {} : { agentRoutingProfile: this.#routingProfile }),
      ...(queue === undefined ? {} : { contactQueue: queue }),
      ...facts.media,
      ...(markedBadAt.length === 0 ? {} : { markedBadAt: [...markedBadAt] }),
    };
  }

  #record(contactId: string | undefined, stat: unknown): StreamRecord[] {
    if (!isObject(stat)) return [];
    const { softphoneStreamType: type } = stat;
    const timestamp = instant(stat["timestamp"]);
    if ((type !== "audio_input" && type !== "audio_output") || timestamp === undefined) return [];
    const at = Date.parse(timestamp);
    const muted = this.#muted.at(at);
    const onHold = contactId === undefined ? undefined : this.#contacts.get(contactId)?.onHold.at(at);
    return [
      {
        // In this order gzip makes least of them.
        jitterBufferMillis: quantity(stat["jitterBufferMillis"]),
        ...(onHold === undefined ? {} : { onHold }),
        packetsCount: quantity(stat["packetsCount"]),
        packetsLost: quantity(stat["packetsLost"]),
        audioLevel: quantity(stat["audioLevel"]),
        softphoneStreamType: type,
        roundTripTimeMillis: quantity(stat["roundTripTimeMillis"]),
        ...newer(stat, "jitterBufferDelayMilliseconds"),
        ...newer(stat, "concealmentEvents"),
        ...newer(stat, "echoReturnLoss"),
        ...newer(stat, "echoReturnLossEnhancement"),
        ...(muted === undefined ? {} : { muted }),
        timestamp,
      },
    ];
  }

  #put(route: Route, records: number, rest: Without<Unsent, keyof Sender>, batchId = this.#newId()): void {
    const make = (agent: string): Batch => this.#batch(agent, route, records, rest, batchId);
    if (this.#agent !== undefined) {
      this.#options.put(make(this.#agent));
      return;
    }
    this.#pending.push(make);
    if (this.#pending.length > maxPending) this.#pending.shift();
  }

  #batch(agent: string, route: Route, records: number, rest: Without<Unsent, keyof Sender>, batchId: string): Batch {
    const { instance, pageId, openPages } = this.#options;
    return { route, records, body: { agent, schemaVersion, connectInstance: instance, pageId, openPages: openPages(), batchId, ...rest } };
  }
}

function newer<K extends string>(stat: Readonly<Record<string, unknown>>, member: K): Partial<Record<K, number | null>> {
  return member in stat ? ({ [member]: quantity(stat[member]) } as Partial<Record<K, number | null>>) : {};
}

function statusOf(dimensions: unknown): number | undefined {
  if (!Array.isArray(dimensions)) return undefined;
  const status: unknown = dimensions.find((one: unknown) => isObject(one) && one["name"] === "HttpStatusCode");
  return isObject(status) ? (quantity(status["value"]) ?? undefined) : undefined;
}
