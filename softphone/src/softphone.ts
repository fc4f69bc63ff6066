import { browserClock } from "./clock";
import { device, exclusive, leader, pageCounter, privateIp, storage, store } from "./browser";
import { embed, loadScript, reloadFrame, watch } from "./ccp/embed";
import { loadedLibrary, type Library } from "./ccp/library";
import { listen } from "./ccp/listen";
import { SignIn } from "./ccp/sign-in";
import { Collector } from "./collect/collector";
import type { Config, Instance } from "./config";
import { gzip } from "./outbox/post";
import { Outbox } from "./outbox/outbox";
import { Bar } from "./page/bar";
import { preCallCheck } from "./page/check";
import { h, setText } from "./page/dom";
import { Notices, type Hurdles } from "./page/notices";
import { problemSheet } from "./page/sheet";
import { Calls, pastCalls, rememberCall } from "./quality/calls";
import type { Texts } from "./text/en";

/** Runs the softphone of an instance in the page. */
export async function runSoftphone(root: HTMLElement, texts: Texts, config: Config, instance: Instance): Promise<void> {
  const phone = new Softphone(texts, config, instance);
  root.replaceChildren(phone.element);
  try {
    // @ts-expect-error: a script with types of its globals, no module
    await import("amazon-connect-streams").catch(() => { throw new MissingLibrary(texts.config.noLibrary); });
    const connect = loadedLibrary();
    if (connect === undefined) throw new MissingLibrary(texts.config.noLibrary);
    if (config.mediaOwner === "page") await loadRtc(connect, config.rtcScript, texts.config.noRtc);
    phone.start(connect);
  } catch (error) {
    root.replaceChildren(problemSheet(texts, error instanceof MissingLibrary ? error.message : texts.config.noStart));
  }
}

/** Loads what adds the session class to the library, which has to be there before. */
async function loadRtc(connect: Library, script: Config["rtcScript"], missing: string): Promise<void> {
  if (script === undefined) throw new MissingLibrary(missing);
  await loadScript(document, script).catch(() => { throw new MissingLibrary(missing); });
  if (connect.RTCSession === undefined) throw new MissingLibrary(missing); // it was loaded, and is no such library
}

class MissingLibrary extends Error {}

class Softphone {
  readonly element: HTMLElement;
  readonly #panel: HTMLElement;
  readonly #status = h("p", { class: "status", role: "status" });
  readonly #notices: Notices;
  readonly #bar: Bar;
  readonly #calls = new Calls(() => Date.now());
  readonly #memory = storage();
  readonly #pageId = crypto.randomUUID();
  readonly #outbox: Outbox;
  readonly #collector: Collector;
  readonly #signIn: SignIn;
  #hurdles: Hurdles = { stage: "loading", failures: 0, isMicrophoneDenied: false, isStoreLasting: true, pages: 1 };

  constructor(
    private readonly texts: Texts,
    private readonly config: Config,
    private readonly instance: Instance,
  ) {
    const kept = store();
    const api = config.telemetryApi.replace(/\/$/, "");
    const fetch = window.fetch.bind(window);
    this.#panel = h("div", { class: "panel", id: "ccp" });
    this.#notices = new Notices(texts, instance, () => { this.#signIn.begin(); });
    const openMicrophone = (): Promise<MediaStream> => navigator.mediaDevices.getUserMedia({ audio: true });
    this.#bar = new Bar(texts, preCallCheck({ texts, api, fetch, openMicrophone }), (contactId) => { this.#mark(contactId); });
    this.element = this.#lay();

    const openPages = pageCounter(this.#pageId, (pages) => { this.#hurdle({ pages }); });
    this.#outbox = new Outbox({
      api, fetch, gzip, exclusive, clock: browserClock, random: Math.random, store: kept.store, changed: (state) => { this.#bar.showSending(state); },
    });
    this.#collector = new Collector({
      instance: instance.alias, pageId: this.#pageId, device: device(navigator), clock: browserClock, openPages, privateIp: privateIp(),
      put: (batch) => { void this.#outbox.put(batch); },
      hold: (batch) => { void this.#outbox.hold(batch); },
    });
    this.#signIn = new SignIn({
      clock: browserClock,
      open: () => window.open(instance.samlUrl || instance.ccpUrl, "earshot-sign-in", "popup,width=480,height=640"),
      reload: () => { reloadFrame(this.#panel); },
      isInCall: () => this.#isInCall(),
      changed: (stage, failures) => { this.#hurdle({ stage, failures }); },
    });
    void kept.isLasting.then((isStoreLasting) => { this.#hurdle({ isStoreLasting }); });
    this.#watchMicrophone();
    this.#watchPage();
    this.#show();
    this.#bar.showPast(pastCalls(this.#memory));
    this.#bar.showSending(this.#outbox.state);
    this.#outbox.wake();
  }

  start(connect: Library): void {
    embed(connect, this.#panel, this.instance, this.config.mediaOwner, this.texts.panel);
    watch(connect, this.#signIn);
    listen(connect, this.#collector, {
      postsMetrics: leader(`metrics.${this.instance.alias}`),
      contact: (contactId, change) => {
        this.#calls.see(contactId, change);
        this.#show();
      },
      seconds: (contactId, records) => {
        this.#calls.addSeconds(contactId, records);
        this.#show();
      },
      ended: (contactId) => { this.#end(contactId); },
    });
  }

  #lay(): HTMLElement {
    const { config, instance, texts } = this;
    const more = config.connectInstances.length > 1 ? [h("a", { href: "?instance=" }, texts.choose.change)] : [];
    return h("div", { class: "phone" },
      h("header", {}, h("h1", {}, config.displayName), h("p", {}, instance.alias, ...more), this.#status),
      h("main", { class: "desk" }, h("div", { class: "middle" }, this.#notices.element, this.#panel), this.#bar.element),
      h("footer", { class: "faint" }, `Earshot · ${texts.version(config.artifactVersion)}`),
    );
  }

  /** The last batch of statistics comes after the end of a call. */
  #end(contactId: string): void {
    browserClock.after(3000, () => {
      const past = this.#calls.end(contactId);
      if (past === undefined) return;
      if (past.seconds > 0) rememberCall(past, this.#memory);
      this.#bar.showPast(pastCalls(this.#memory));
      this.#show();
    });
  }

  #mark(contactId: string): void {
    this.#collector.mark(contactId);
    this.#calls.mark(contactId);
  }

  #isInCall(): boolean {
    return this.#calls.views().some((call) => call.connected);
  }

  #hurdle(change: Partial<Hurdles>): void {
    this.#hurdles = { ...this.#hurdles, ...change };
    this.#show();
  }

  #show(): void {
    const { stage } = this.#hurdles;
    const plain = stage === "loading" || stage === "ready" ? this.texts.stage[stage] : this.texts.stage[stage].title;
    setText(this.#status, plain);
    this.#status.dataset["stage"] = stage;
    this.#panel.classList.toggle("away", !["ready", "lost"].includes(stage));
    this.#notices.show(this.#hurdles);
    this.#bar.showCalls(this.#calls.views().filter((call) => call.connected || call.heardMos !== undefined));
  }

  #watchMicrophone(): void {
    const look = async (): Promise<void> => {
      const permission = await navigator.permissions.query({ name: "microphone" });
      const tell = (): void => { this.#hurdle({ isMicrophoneDenied: permission.state === "denied" }); };
      permission.addEventListener("change", tell);
      tell();
    };
    look().catch(() => undefined); // Firefox tells it to nobody
  }

  #watchPage(): void {
    window.addEventListener("pagehide", () => {
      this.#outbox.leave();
      this.#collector.flush();
    });
    window.addEventListener("pageshow", () => { this.#outbox.stay(); });
    window.addEventListener("online", () => { this.#outbox.wake(true); });
    window.addEventListener("beforeunload", (event) => {
      if (this.#isInCall()) event.preventDefault(); // the browser asks in its own words
    });
  }
}
