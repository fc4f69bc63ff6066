import type { Config, ConfigFault } from "../config";
import type { Texts } from "../text/en";
import { h } from "./dom";

/** The page that says what is wrong with its settings. */
export function problemSheet(texts: Texts, text: string): HTMLElement {
  const reload = (): void => { location.reload(); };
  return h("main", { class: "sheet" },
    h("p", { class: "brand" }, "Earshot"),
    h("h1", {}, texts.softphone),
    h("section", { class: "notice bad", role: "alert" }, h("h2", {}, texts.notSetUp), h("p", {}, text), h("button", { type: "button", click: reload }, texts.reload)),
  );
}

export function faultText(texts: Texts, fault: ConfigFault): string {
  switch (fault.kind) {
    case "unreachable":
      return texts.config.unreachable;
    case "missing":
      return texts.config.missing(fault.status);
    case "not_json":
      return texts.config.notJson;
    case "wrong":
      return texts.config.wrong(fault.members.join(", "));
  }
}

/** The page that asks which instance. Its links name the instance, so that they can be kept as bookmarks. */
export function chooserSheet(texts: Texts, config: Config, unknown: string | undefined): HTMLElement {
  const links = config.connectInstances.map(({ alias, region }) =>
    h("li", {}, h("a", { href: `?instance=${encodeURIComponent(alias)}` }, h("strong", {}, alias), h("span", {}, region))));
  return h("main", { class: "sheet" },
    h("p", { class: "brand" }, "Earshot"),
    h("h1", {}, config.displayName),
    ...(unknown === undefined ? [] : [h("p", { class: "notice bad", role: "alert" }, texts.choose.unknown(unknown))]),
    h("nav", { "aria-labelledby": "choose" }, h("h2", { id: "choose" }, texts.choose.title), h("ul", { class: "choices" }, ...links)),
    h("p", { class: "faint" }, texts.version(config.artifactVersion)),
  );
}
