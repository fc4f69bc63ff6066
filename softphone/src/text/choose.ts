import { de } from "./de";
import { en, type Texts } from "./en";

/** The first of the browser's languages that there are texts in. */
export function textsFor(languages: readonly string[]): Texts {
  for (const language of languages) {
    const found = [en, de].find((texts) => language.toLowerCase().split("-")[0] === texts.language);
    if (found !== undefined) return found;
  }
  return en;
}
