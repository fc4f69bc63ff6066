import { readFileSync } from "node:fs";

import { AxeBuilder } from "@axe-core/playwright";
import { test as base, expect, type APIResponse, type Locator, type Page } from "@playwright/test";

interface Endpoints {
  readonly portal: string;
  readonly simulator: string;
  readonly admin_user: { readonly username: string; readonly password: string };
}

// The launcher writes it (services/localstack/internal/launch/endpoints.go).
export const endpoints = JSON.parse(readFileSync(process.env["EARSHOT_ENDPOINTS"] ?? "../.local/endpoints.json", "utf8")) as Endpoints;

/** Fails when the page's policy was offended, or a script broke. */
export const test = base.extend<{ quiet: undefined }>({
  quiet: [
    async ({ page }, use) => {
      const errors: string[] = [];
      page.on("console", (message) => {
        if (message.type() === "error" && /Content Security Policy|Refused to|Warning:/.test(message.text())) errors.push(message.text().slice(0, 300));
      });
      page.on("pageerror", (error) => errors.push(error.message));
      await use(undefined);
      expect(errors).toEqual([]);
    },
    { auto: true },
  ],
});

/** The rules that a page can keep in one scheme and break in the other; what the others look at is the same in both. */
const ofColours = ["color-contrast", "link-in-text-block"];

/** Takes pictures in light and dark and looks for what keeps people out. */
export async function look(page: Page, name: string): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.evaluate(() => scrollTo(0, 0)); // what sticks to the top would be in the middle of the picture
    await page.screenshot({ path: `screenshots/${name}-${colorScheme}.png`, fullPage: true });
    const axe = new AxeBuilder({ page }).setLegacyMode(); // which looks into no frame of another origin; there is none
    const { violations } = await (colorScheme === "light" ? axe : axe.withRules(ofColours)).analyze();
    expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), `${name}, ${colorScheme}`).toEqual([]);
  }
  await page.emulateMedia({ colorScheme: "light" });
}

/** Signs in as the owner, wherever the page is, by the sign-in's own pages. */
export async function signIn(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.locator("input[name=username]").fill(endpoints.admin_user.username);
  await page.locator("input[name=password]").fill(endpoints.admin_user.password);
  await page.locator("input[name=password]").press("Enter");
}

/** Asks the API as whoever is signed in, past the page: as another admin would meanwhile. */
export async function ask(page: Page, method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<APIResponse> {
  const token = await page.evaluate<string>(() => {
    const name = Object.keys(sessionStorage).find((key) => key.startsWith("oidc.user:"));
    const kept = name === undefined ? null : sessionStorage.getItem(name);
    return kept === null ? "" : (JSON.parse(kept) as { access_token: string }).access_token;
  });
  return page.request.fetch(new URL(path, endpoints.portal).href, {
    method,
    headers: { authorization: `Bearer ${token}`, ...headers },
    ...(body === undefined ? {} : { data: body }),
  });
}

/** Goes on with the Tab key to what is looked for, as who has no mouse does. */
export async function tabTo(page: Page, target: Locator): Promise<void> {
  for (let presses = 0; presses < 80; presses++) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`the Tab key does not lead to ${String(target)}`);
}
