import type { Stage } from "../ccp/sign-in";
import type { Instance } from "../config";
import type { Texts } from "../text/en";
import { h } from "./dom";

/** What stands in the way of calls or statistics. */
export interface Hurdles {
  readonly stage: Stage;
  readonly failures: number;
  readonly isMicrophoneDenied: boolean;
  readonly isStoreLasting: boolean;
  readonly pages: number;
}

interface Notice {
  readonly id: string;
  readonly tone: "bad" | "plain";
  readonly title: string;
  readonly text: string;
  readonly advice?: readonly string[];
  readonly button?: string;
}

const asking: readonly Stage[] = ["sign_in", "blocked_popup", "no_session", "slow_sign_in", "lost", "signed_out"];

function noticesOf(texts: Texts, instance: Instance, origin: string, hurdles: Hurdles): Notice[] {
  const { stage, failures } = hurdles;
  const notices: Notice[] = [];
  if (stage !== "loading" && stage !== "ready") {
    const host = new URL(instance.ccpUrl).host;
    // Once is anybody's slip; then it is a setting.
    const advice = failures === 0 ? [] : [
      ...(failures >= 2 ? [texts.advice.cookies(host)] : []),
      texts.advice.origins(origin),
      ...(instance.samlUrl ? [texts.advice.saml] : []),
    ];
    notices.push({
      id: `stage-${stage}-${failures}`, tone: ["signing_in", "sign_in", "signed_out"].includes(stage) ? "plain" : "bad",
      ...texts.stage[stage], advice, ...(asking.includes(stage) ? { button: texts.signIn } : {}),
    });
  }
  if (hurdles.isMicrophoneDenied) notices.push({ id: "microphone", tone: "bad", ...texts.microphone.denied });
  if (hurdles.pages > 1) notices.push({ id: `pages-${hurdles.pages}`, tone: "plain", title: texts.pages.title, text: texts.pages.text(hurdles.pages) });
  if (!hurdles.isStoreLasting) notices.push({ id: "storage", tone: "plain", ...texts.storage });
  return notices;
}

/** The list of notices. One that stands stays as it is, so that focus and reading are not disturbed. */
export class Notices {
  readonly element = h("div", { class: "notices", "aria-live": "polite" });

  constructor(
    private readonly texts: Texts,
    private readonly instance: Instance,
    private readonly signIn: () => void,
  ) {}

  show(hurdles: Hurdles): void {
    const wanted = noticesOf(this.texts, this.instance, location.origin, hurdles);
    for (const child of [...this.element.children]) {
      if (!wanted.some((notice) => notice.id === child.id)) child.remove();
    }
    for (const notice of wanted) {
      if (!this.element.querySelector(`#${notice.id}`)) this.element.append(this.make(notice));
    }
  }

  private make({ id, tone, title, text, advice = [], button }: Notice): HTMLElement {
    return h("section", { id, class: `notice ${tone}` },
      h("h2", {}, title),
      h("p", {}, text),
      ...(advice.length === 0 ? [] : [h("h3", {}, this.texts.advice.title), h("ul", {}, ...advice.map((line) => h("li", {}, line)))]),
      ...(button === undefined ? [] : [h("button", { type: "button", click: this.signIn }, button)]),
    );
  }
}
