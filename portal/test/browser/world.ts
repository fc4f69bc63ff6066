import { readFileSync } from "node:fs";

import { AxeBuilder } from "@axe-core/playwright";
import { test as base, expect, type Page } from "@playwright/test";

interface Endpoints {
  readonly portal: string;
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

/** Takes pictures in light and dark and looks for what keeps people out. */
export async function look(page: Page, name: string): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.screenshot({ path: `screenshots/${name}-${colorScheme}.png`, fullPage: true });
    const { violations } = await new AxeBuilder({ page }).analyze();
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
