import { chooseInstance, ConfigError, readConfig, rememberInstance } from "./config";
import { chooserSheet, faultText, problemSheet } from "./page/sheet";
import { runSoftphone } from "./softphone";
import { storage } from "./browser";
import { textsFor } from "./text/choose";

const texts = textsFor(navigator.languages);

async function run(root: HTMLElement): Promise<void> {
  const config = await readConfig(window.fetch.bind(window));
  document.title = `${config.displayName} · Earshot`;
  const choice = chooseInstance(config, location.search, storage());
  if (choice === "none") {
    root.replaceChildren(problemSheet(texts, texts.config.noInstance));
  } else if (choice === "ask") {
    root.replaceChildren(chooserSheet(texts, config, undefined));
  } else if ("unknown" in choice) {
    root.replaceChildren(chooserSheet(texts, config, choice.unknown === "" ? undefined : choice.unknown));
  } else {
    rememberInstance(choice.instance.alias, storage());
    await runSoftphone(root, texts, config, choice.instance);
  }
}

const root = document.getElementById("page");
if (root !== null) {
  document.documentElement.lang = texts.language;
  run(root).catch((error: unknown) => {
    if (!(error instanceof ConfigError)) throw error;
    root.replaceChildren(problemSheet(texts, faultText(texts, error.fault)));
  });
}
