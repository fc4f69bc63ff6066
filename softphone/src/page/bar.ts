import type { OutboxState } from "../outbox/outbox";
import type { CallView, PastCall } from "../quality/calls";
import { qualityOf } from "../quality/mos";
import type { Texts } from "../text/en";
import { h, setText } from "./dom";

interface Card {
  readonly element: HTMLElement;
  readonly show: (call: CallView) => void;
}

/** The bar beside the panel: how the calls sound, and how the last ones did. */
export class Bar {
  readonly element: HTMLElement;
  readonly #texts: Texts;
  readonly #cards = new Map<string, Card>();
  readonly #calls = h("div", {});
  readonly #none: HTMLElement;
  readonly #note: HTMLElement;
  readonly #past = h("ol", { class: "past" });
  readonly #sending = h("p", { class: "faint", role: "status" });

  constructor(texts: Texts, check: HTMLElement, private readonly mark: (contactId: string) => void) {
    this.#texts = texts;
    this.#none = h("p", { class: "faint" }, texts.quality.none);
    this.#note = h("p", { class: "faint" }, texts.quality.note);
    this.element = h("aside", { class: "bar", "aria-label": texts.quality.title },
      h("section", { class: "card" }, h("h2", {}, texts.quality.title), this.#none, this.#calls, this.#note),
      check,
      h("section", { class: "card" }, h("h2", {}, texts.past.title), this.#past),
      this.#sending,
    );
  }

  showCalls(calls: readonly CallView[]): void {
    this.#none.hidden = calls.length > 0;
    this.#note.hidden = this.#calls.hidden = calls.length === 0;
    for (const [contactId, card] of this.#cards) {
      if (calls.some((call) => call.contactId === contactId)) continue;
      card.element.remove();
      this.#cards.delete(contactId);
    }
    for (const call of calls) {
      let card = this.#cards.get(call.contactId);
      if (card === undefined) {
        card = this.#card(call.contactId);
        this.#cards.set(call.contactId, card);
        this.#calls.append(card.element);
      }
      card.show(call);
    }
  }

  showPast(calls: readonly PastCall[]): void {
    const { past } = this.#texts;
    const rows = calls.map((call) => {
      const when = new Date(call.endedAt).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
      const length = `${Math.floor(call.seconds / 60)}:${String(call.seconds % 60).padStart(2, "0")}`;
      const worst = Math.min(call.heardMos ?? Infinity, call.sentMos ?? Infinity);
      return h("li", {},
        h("span", { class: `dot ${Number.isFinite(worst) ? qualityOf(worst) : "unknown"}`, "aria-hidden": "true" }),
        h("div", {},
          h("strong", {}, call.queue ?? past.noQueue),
          h("span", {}, past.row(when, length)),
          h("span", {}, past.scores(this.#word(call.heardMos), this.#word(call.sentMos))),
          ...(call.marks > 0 ? [h("span", {}, past.marked)] : []),
        ));
    });
    this.#past.replaceChildren(...(rows.length > 0 ? rows : [h("li", { class: "faint" }, past.none)]));
  }

  showSending({ is, status, kept }: OutboxState): void {
    const { sending } = this.#texts;
    const text = { idle: sending.idle, sending: sending.idle, waiting: sending.waiting(kept), barred: sending.barred(status), stopped: sending.stopped }[is];
    setText(this.#sending, text);
    this.#sending.classList.toggle("alarm", is === "barred" || is === "stopped");
  }

  #word(mos: number | undefined): string {
    return mos === undefined ? this.#texts.quality.unknown : this.#texts.quality.words[qualityOf(mos)];
  }

  #card(contactId: string): Card {
    const { quality } = this.#texts;
    const title = h("h3", {});
    const heard = this.#meter(quality.heard);
    const sent = this.#meter(quality.sent);
    const trouble = h("ul", { class: "trouble", "aria-live": "polite" });
    const told = h("p", { class: "faint", role: "status" });
    let shown = "";
    const bad = h("button", {
      type: "button",
      click: () => {
        this.mark(contactId);
        setText(told, quality.marked);
      },
    }, quality.bad);
    return {
      element: h("article", { class: "call" }, title, heard.element, sent.element, trouble, bad, told),
      show: (call) => {
        setText(title, call.queue === undefined ? quality.anyCall : quality.call(call.queue));
        heard.show(call.heardMos);
        sent.show(call.sentMos);
        if (shown !== call.trouble.join()) {
          trouble.replaceChildren(...call.trouble.map((one) => h("li", {}, this.#texts.trouble[one])));
          shown = call.trouble.join();
        }
      },
    };
  }

  #meter(label: string): { element: HTMLElement; show: (mos: number | undefined) => void } {
    const meter = h("meter", { min: "1", max: "4.5", low: "3.1", high: "4", optimum: "4.5", "aria-label": label });
    const word = h("strong", {});
    const score = h("span", { class: "faint" });
    const element = h("div", { class: "meter" }, h("span", {}, label), h("span", { class: "value" }, word, score), meter);
    return {
      element,
      show: (mos) => {
        const shown = mos?.toLocaleString(this.#texts.language, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
        meter.hidden = mos === undefined;
        if (mos !== undefined) meter.value = mos;
        setText(word, this.#word(mos));
        setText(score, shown === undefined ? "" : this.#texts.quality.score(shown));
        element.dataset["quality"] = mos === undefined ? "unknown" : qualityOf(mos);
      },
    };
  }
}
