// earshot-collector.js: for pages that embed the CCP themselves. It collects as the softphone does, and is started as the
// published solution's script is. It adds one global: initCustomImplementation.

import { device, exclusive, leader, pageCounter, privateIp, store } from "./browser";
import { listen } from "./ccp/listen";
import { loadedLibrary, type Library } from "./ccp/library";
import { browserClock } from "./clock";
import { Collector } from "./collect/collector";
import { Outbox } from "./outbox/outbox";
import { gzip } from "./outbox/post";

interface Settings {
  /** The tenant's telemetry API. */
  api: string;
  /** The alias of the Connect instance in Earshot. */
  instance: string;
}

const script = document.currentScript;
const attribute = (...names: string[]): string => {
  const found = names.map((name) => script?.getAttribute(name)).find((value) => value !== null && value !== undefined && value !== "undefined");
  return found ?? "";
};
// Read now: later there is no current script.
const given = {
  api: attribute("data-api", "apiGatewayUrl"),
  instance: attribute("data-instance"),
  ccpUrl: attribute("ccpUrl"),
  samlUrl: attribute("samlUrl"),
  region: attribute("region"),
};

let started = false;

function collect(connect: Library, { api, instance }: Settings): void {
  const pageId = crypto.randomUUID();
  const outbox = new Outbox({
    api: api.replace(/\/$/, ""), fetch: window.fetch.bind(window), gzip, exclusive, clock: browserClock, random: Math.random, store: store().store,
  });
  const collector = new Collector({
    instance, pageId, device: device(navigator), clock: browserClock, privateIp: privateIp(),
    openPages: pageCounter(pageId, () => undefined),
    put: (batch) => { void outbox.put(batch); },
    hold: (batch) => { void outbox.hold(batch); },
  });
  listen(connect, collector, { postsMetrics: leader(`metrics.${instance}`) });
  window.addEventListener("pagehide", () => {
    outbox.leave();
    collector.flush();
  });
  window.addEventListener("pageshow", () => { outbox.stay(); });
  window.addEventListener("online", () => { outbox.wake(true); });
  outbox.wake();
}

/** Frames the CCP as the published solution does, when nobody has yet. */
function frame(connect: Library, container: HTMLElement): void {
  connect.core.initCCP(container, {
    ccpUrl: given.ccpUrl, loginPopup: true, loginPopupAutoClose: true,
    ...(given.samlUrl === "" ? {} : { loginUrl: given.samlUrl }), ...(given.region === "" ? {} : { region: given.region }),
    softphone: { allowFramedSoftphone: connect.RTCSession === undefined },
  });
}

/**
 * Starts collecting. Without arguments the script's attributes decide. The published solution's form, (container, api), frames
 * the CCP when the page has not done so; with connect-rtc in the page, the page owns the media.
 */
function initCustomImplementation(container?: HTMLElement | Partial<Settings> | null, api?: string): void {
  const connect = loadedLibrary();
  if (connect === undefined) throw new Error("earshot-collector: load amazon-connect-streams first");
  const isElement = container instanceof HTMLElement;
  const settings: Settings = { api: api ?? given.api, instance: given.instance, ...(isElement ? {} : container) };
  if (!/^https?:\/\//.test(settings.api)) throw new Error("earshot-collector: name the telemetry API, as data-api or in the call");
  if (started) return; // twice would send everything twice
  started = true;
  if (isElement) {
    if (connect.core.initialized !== true && given.ccpUrl !== "") frame(connect, container);
    if (connect.RTCSession !== undefined) connect.core.initSoftphoneManager({ allowFramedSoftphone: true });
  }
  collect(connect, settings);
}

Object.assign(window, { initCustomImplementation });

if (given.ccpUrl !== "") {
  // As the generated page of the published solution.
  const container = document.getElementById("containerDiv");
  if (container !== null) initCustomImplementation(container, given.api);
}
