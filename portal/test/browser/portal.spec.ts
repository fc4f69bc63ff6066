import { readFileSync } from "node:fs";

import { expect, type Locator, type Page } from "@playwright/test";

import { ask, endpoints, look, signIn, tabTo, test } from "./world";

test("sign-in leads back to where it began, and lasts over a reload", async ({ page }) => {
  await page.goto(`${endpoints.portal}operations?state=succeeded`);
  await look(page, "sign-in");
  await signIn(page);
  await expect(page.getByRole("heading", { name: "Operations", level: 1 })).toBeVisible();
  expect(page.url()).toBe(`${endpoints.portal}operations?state=succeeded`);
  await expect(page.getByRole("link", { name: "onboard" }).first()).toBeVisible();
  await look(page, "operations");
  await page.reload();
  await expect(page.getByRole("link", { name: "onboard" }).first()).toBeVisible();
  await page.getByRole("button", { name: endpoints.admin_user.username }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
  await page.goBack();
  await expect(page.getByRole("link", { name: "onboard" })).toHaveCount(0);
});

test("tenants are listed, found and shown", async ({ page }) => {
  await page.goto(endpoints.portal);
  await signIn(page);
  await page.getByRole("link", { name: "acme", exact: true }).waitFor();
  await expect(page.getByRole("row").filter({ has: page.getByRole("link", { name: "acme", exact: true }) })).toContainText(/good|warning|bad/); // the worker has looked
  await look(page, "tenants");
  await page.getByRole("button", { name: "Health", exact: false }).click();
  await page.getByRole("option", { name: "bad" }).click();
  await expect(page).toHaveURL(/health=bad/);
  await page.getByRole("button", { name: "Health", exact: false }).click();
  await page.getByRole("option", { name: "Any health" }).click();
  await expect(page).not.toHaveURL(/health=/);
  await page.getByRole("searchbox").fill("nobody of this name");
  await expect(page.getByText("No tenant matches")).toBeVisible();
  await page.getByRole("button", { name: "Show all" }).click();
  await page.getByRole("link", { name: "acme", exact: true }).click();
  await expect(page.getByRole("button", { name: "Copy the softphone's address" })).toBeVisible();
  await expect(page.getByText("agents", { exact: false }).first()).toBeVisible();
  await look(page, "tenant");
  await page.getByRole("button", { name: "Copy the softphone's address" }).click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/^http:\/\/.*cloudfront/);
  await page.goBack();
  await expect(page.getByRole("heading", { name: "Tenants", level: 1 })).toBeVisible();
  await page.goto(`${endpoints.portal}tenants/nosuch`);
  const problem = page.getByRole("group").filter({ hasText: "tenant.not_found" });
  await expect(problem).toContainText("Not found");
  await expect(problem).toContainText("There is no such tenant");
  await expect(problem).toContainText(/request [0-9a-f-]{8,}/);
  await look(page, "problem");
});

const instance = "arn:aws:connect:eu-west-2:111122223333:instance/0a1b2c3d-0000-4000-8000-0000000000f1";

test("a contact centre from its first day to its last", async ({ page }) => {
  await page.goto(`${endpoints.portal}tenants/new`);
  await signIn(page);
  await page.getByLabel("Paste anything of the instance").fill(`${instance} https://fabrikam-york.my.connect.aws/home`);
  await expect(page.getByLabel("Contact Control Panel")).toHaveValue("https://fabrikam-york.my.connect.aws/ccp-v2");
  await look(page, "wizard-instance");
  await page.reload(); // nothing typed is lost
  await expect(page.getByLabel("Instance ARN")).toHaveValue(instance);
  await page.getByRole("button", { name: "Next" }).click();
  await page.getByLabel("Slug").fill("acme");
  await expect(page.getByText("Another tenant has this slug.")).toBeVisible();
  await look(page, "wizard-name");
  await page.getByLabel("Slug").fill("fabrikam");
  await page.getByLabel("Display name").fill("Fabrikam Support");
  await page.getByRole("button", { name: "Next" }).click();
  await look(page, "wizard-review");
  await page.getByRole("button", { name: "Onboard", exact: true }).click();

  await expect(page.getByRole("table", { name: "Resources of the stack" })).toBeVisible();
  await look(page, "wizard-hand-over");
  await page.reload(); // neither the steps nor the progress are lost
  await expect(page.getByRole("button", { name: "Copy the steps as text" })).toBeVisible();
  await page.getByRole("link", { name: "Go to fabrikam" }).click();
  await look(page, "watch");
  await page.reload();
  await expect(page.getByRole("button", { name: "Copy the softphone's address" })).toBeVisible();
  await expect(page.getByText("active", { exact: true }).first()).toBeVisible();
  await page.getByRole("button", { name: "Copy the softphone's address" }).click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/^http:\/\/.*cloudfront/);

  await page.getByRole("tab", { name: "Connect instances" }).click();
  await expect(page.getByText("Approved origins")).toBeVisible();
  await page.getByRole("button", { name: "Copy the steps as text" }).click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain("Approved origins: add http");
  await page.getByRole("button", { name: "Check fabrikam-york now" }).click();
  await expect(page.getByText("Directory role: not done")).toBeVisible();
  await look(page, "instances");

  await page.getByRole("tab", { name: "Managers" }).click();
  await expect(page.getByText("Nobody is invited yet")).toBeVisible();
  await look(page, "managers-none");
  await page.getByRole("link", { name: "Invite a manager" }).click();
  await page.getByRole("button", { name: "Invite", exact: true }).click();
  await expect(page.getByText("This is no e-mail address.")).toBeVisible();
  await page.getByLabel("E-mail").fill("nora.lind@fabrikam.example");
  await page.getByText("See and change the space").click();
  await look(page, "manager-invite");
  await page.getByRole("button", { name: "Invite", exact: true }).click();
  const nora = page.getByRole("row", { name: /nora\.lind/ });
  await expect(nora).toContainText("invited");
  await sendsAnExpiredInvitationAgain(page, nora);
  await nora.getByRole("button", { name: "Actions for nora.lind@fabrikam.example" }).click();
  await page.getByRole("menuitem", { name: "Let only see the space" }).click();
  await expect(nora).toContainText("see the space");
  await expect(nora).not.toContainText("change the space");
  await nora.getByRole("button", { name: "Actions for nora.lind@fabrikam.example" }).click();
  await page.getByRole("menuitem", { name: "Disable" }).click();
  await expect(nora).toContainText("disabled");
  await look(page, "managers");
  await nora.getByRole("button", { name: "Actions for nora.lind@fabrikam.example" }).click();
  await page.getByRole("menuitem", { name: "Remove" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove", exact: true }).click();
  await expect(page.getByText("Nobody is invited yet")).toBeVisible();

  await page.getByRole("tab", { name: "Settings" }).click();
  await page.getByLabel("Days that documents are kept, at least").fill("30");
  const before = await ask(page, "GET", "/v1/tenants/fabrikam");
  const theirs = { settings: { retention_days: 60, delete_protection: true } };
  const changed = await ask(page, "PATCH", "/v1/tenants/fabrikam", theirs, { "if-match": before.headers()["etag"] ?? "", "idempotency-key": crypto.randomUUID() });
  expect(changed.status()).toBe(200);
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Somebody else has changed the same meanwhile")).toBeVisible();
  await expect(page.getByText("60 now, 30 in your form, 90 when you began")).toBeVisible();
  await look(page, "settings-changed-by-two");
  await page.getByRole("button", { name: "Go on with mine" }).click();
  await page.getByLabel("Delete protection").click(); // their protection has come into the form by itself
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("The settings of fabrikam are saved")).toBeVisible();
  const saved = (await (await ask(page, "GET", "/v1/tenants/fabrikam")).json()) as { settings: { retention_days: number; delete_protection: boolean } };
  expect(saved.settings).toMatchObject({ retention_days: 30, delete_protection: false });
  await look(page, "settings");
  await page.getByRole("tab", { name: "Manage", exact: true }).click();
  await look(page, "manage");
  await page.getByRole("button", { name: "Show what would change" }).click();
  await expect(page.getByRole("heading", { name: "preview of fabrikam", level: 1 })).toBeVisible();
  await expect(page.getByText("Nothing would change: the stack has", { exact: false })).toBeVisible();
  await look(page, "preview");
  await page.goBack();
  await upgradesOverABrokenLine(page);
  await page.goBack();
  await page.getByRole("button", { name: "Suspend the tenant" }).click();
  await expect(page.getByRole("heading", { name: "suspend of fabrikam", level: 1 })).toBeVisible();
  await expect(page.getByText("Succeeded", { exact: true }).first()).toBeVisible();
  await look(page, "operation");
  await page.goBack();
  await page.getByRole("button", { name: "Resume the tenant" }).click();
  await expect(page.getByRole("heading", { name: "resume of fabrikam", level: 1 })).toBeVisible();
  await expect(page.getByText("Succeeded", { exact: true }).first()).toBeVisible();

  await page.goto(`${endpoints.portal}tenants/fabrikam/manage`);
  await page.getByRole("button", { name: "Off-board the tenant" }).click();
  const modal = page.getByRole("dialog");
  await modal.getByText("Delete it").click();
  await expect(modal.getByRole("button", { name: "Off-board", exact: true })).toBeDisabled();
  await modal.getByLabel("Type fabrikam to confirm").fill("fabrikam");
  await look(page, "off-board");
  await modal.getByRole("button", { name: "Off-board", exact: true }).click();
  await expect(page.getByRole("heading", { name: "offboard of fabrikam", level: 1 })).toBeVisible();
  await expect(page.getByText("Succeeded", { exact: true }).first()).toBeVisible({ timeout: 90_000 });
});

/** What an upgrade changes is shown before it runs, and its line is taken up again when it breaks. Begins under “Manage”, ends at the operation. */
async function upgradesOverABrokenLine(page: Page): Promise<void> {
  const next = process.env["EARSHOT_NEXT_VERSION"];
  expect(next, "EARSHOT_NEXT_VERSION is to name another version of artifacts than the tenant has").toBeDefined();
  if (next === undefined) return;
  await page.getByLabel("Artifact version").fill(next);
  await page.getByRole("button", { name: "Show what would change" }).click();
  await expect(page.getByRole("heading", { name: "preview of fabrikam", level: 1 })).toBeVisible();
  await expect(page.getByRole("row", { name: /IndexerFunction/ })).toContainText("changed in place");
  await look(page, "preview-changes");
  await page.getByRole("link", { name: "Go on to the upgrade" }).click();
  await expect(page.getByLabel("Artifact version")).toHaveValue(next);
  const behind: (string | undefined)[] = [];
  await page.route("**/events", async (route) => {
    behind.push(route.request().headers()["last-event-id"]);
    if (behind.length > 2) return route.continue();
    if (behind.length === 2) return route.abort();
    const page_ = await route.fetch({ headers: { ...route.request().headers(), accept: "application/json" } });
    const first = ((await page_.json()) as { items: { sequence: number }[] }).items[0];
    return route.fulfill({ contentType: "text/event-stream", body: `id: ${first?.sequence ?? 0}\nevent: progress\ndata: ${JSON.stringify(first)}\n\n` });
  });
  await page.getByRole("button", { name: "Upgrade the tenant" }).click();
  await expect(page.getByRole("heading", { name: "upgrade of fabrikam", level: 1 })).toBeVisible();
  await expect(page.getByText("The line is interrupted")).toBeVisible();
  await expect(page.getByRole("table", { name: "Resources of the stack" })).toBeVisible();
  expect(behind.slice(0, 3)).toEqual([undefined, "1", "1"]);
  await page.unrouteAll({ behavior: "ignoreErrors" });
  await page.reload();
  await expect(page.getByRole("table", { name: "Resources of the stack" })).toBeVisible();
  await expect(page.getByText("Succeeded", { exact: true }).first()).toBeVisible({ timeout: 120_000 });
  const told = await page.getByRole("log").getByRole("listitem").allInnerTexts();
  expect(new Set(told).size).toBe(told.length);
}

/** The API's answers are played: an invitation expires after days. */
async function sendsAnExpiredInvitationAgain(page: Page, row: Locator): Promise<void> {
  const managers = "**/v1/tenants/fabrikam/managers";
  let sent: unknown;
  await page.route(managers, async (route) => {
    if (route.request().method() === "POST") {
      sent = route.request().postDataJSON();
      return route.fulfill({ status: 201, json: { id: "nora", email: "nora.lind@fabrikam.example", enabled: true, status: "invited", invited_at: new Date().toISOString() } });
    }
    const answer = await route.fetch();
    const body = (await answer.json()) as { items: object[] };
    return route.fulfill({ response: answer, json: { items: body.items.map((one) => ({ ...one, status: sent === undefined ? "expired" : "invited" })) } });
  });
  await page.reload();
  await expect(row).toContainText("invitation expired");
  await look(page, "manager-expired");
  await row.getByRole("button", { name: "Actions for nora.lind@fabrikam.example" }).click();
  await page.getByRole("menuitem", { name: "Send the invitation again" }).click();
  await expect(page.getByText("nora.lind@fabrikam.example gets a new temporary password by e-mail")).toBeVisible();
  await expect(row).not.toContainText("expired");
  expect(sent).toEqual({ email: "nora.lind@fabrikam.example", group: "managers" });
  await page.unroute(managers);
}

test("who did what is found, and taken along as lines of JSON", async ({ page }) => {
  await page.goto(`${endpoints.portal}audit?tenant=acme&outcome=done&action=tenants.onboard`);
  await signIn(page);
  const onboarded = page.getByRole("row", { name: /tenants\.onboard/ });
  await expect(onboarded).toContainText(`${endpoints.admin_user.username} (you)`);
  await onboarded.getByRole("button", { name: /^More of tenants/ }).click();
  await expect(onboarded).toContainText("request ");
  await look(page, "audit");
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export as JSON lines" }).click();
  const lines = readFileSync(await (await downloading).path(), "utf8").trim().split("\n");
  expect(lines.map((line) => (JSON.parse(line) as { tenant: string; outcome: string }).tenant)).toEqual(lines.map(() => "acme"));
  await page.getByRole("searchbox", { name: "Action" }).fill("nothing.of.this.name");
  await page.keyboard.press("Enter");
  await expect(page.getByText("No event matches.")).toBeVisible();
  expect(page.url()).toContain("action=nothing.of.this.name");
  await look(page, "audit-none");
  await page.goBack();
  await expect(onboarded).toBeVisible();
  await page.getByRole("button", { name: "Time" }).click();
  await page.getByRole("radio", { name: "The last 7 days" }).check();
  await look(page, "audit-time");
  await page.getByRole("button", { name: "Apply" }).click();
  await expect(onboarded).toBeVisible();
  expect(Date.parse(new URL(page.url()).searchParams.get("from") ?? "")).toBeLessThan(Date.now() - 6 * 86_400_000);
  await page.goto(`${endpoints.portal}audit?tenant=acme&action=tenants.onboard&to=2020-01-01T00:00:00.000Z`);
  await expect(page.getByText("No event matches.")).toBeVisible();
  await page.goto(`${endpoints.portal}tenants/acme/audit?action=tenants.onboard`);
  await expect(page.getByRole("row", { name: /tenants\.onboard/ })).toBeVisible();
  await look(page, "tenant-audit");
});

test("an API key opens the API once it is made, and no longer when it is revoked", async ({ page }) => {
  await page.goto(`${endpoints.portal}api-keys`);
  await signIn(page);
  await expect(page.getByText("No API keys yet")).toBeVisible();
  await look(page, "api-keys-none");
  await page.getByRole("link", { name: "Make an API key" }).click();
  await page.getByLabel("Name").fill("nightly report");
  await page.getByLabel("Tenants").fill("acme nobody");
  await page.getByRole("button", { name: "Make the key" }).click();
  await expect(page.getByText("api_key.tenant_unknown")).toBeVisible();
  await look(page, "api-key-refused");
  await page.getByLabel("Tenants").fill("acme");
  await page.getByRole("button", { name: "Make the key" }).click();
  await expect(page.getByText("Copy the secret now")).toBeVisible();
  await look(page, "api-key-secret");
  const copied = async (): Promise<string> => {
    await page.getByRole("button", { name: "Copy the secret" }).click();
    return page.evaluate(() => navigator.clipboard.readText());
  };
  const who = async (secret: string): Promise<number> =>
    (await page.request.get(new URL("/v1/whoami", endpoints.portal).href, { headers: { authorization: `Bearer ${secret}` } })).status();
  const first = await copied();
  expect(await who(first)).toBe(200);
  expect(await page.evaluate(() => Object.values(sessionStorage).join() + Object.values(localStorage).join())).not.toContain(first);
  await page.getByRole("link", { name: "I have it" }).click();
  await expect(page.getByRole("row", { name: /nightly report/ })).toContainText("1 tenant");
  await expect(page.getByText(first)).toHaveCount(0);
  await look(page, "api-keys");

  await page.getByRole("button", { name: "Rotate nightly report" }).click();
  await page.getByLabel("Hours that the secret of before still opens").fill("0");
  await page.getByRole("dialog").getByRole("button", { name: "Rotate", exact: true }).click();
  await expect(page.getByText("Copy the secret now")).toBeVisible();
  await look(page, "api-key-rotated");
  const second = await copied();
  expect([await who(first), await who(second)]).toEqual([401, 200]);
  await page.getByRole("button", { name: "I have it" }).click();
  await page.getByRole("button", { name: "Revoke nightly report" }).click();
  await look(page, "api-key-revoke");
  await page.getByRole("dialog").getByRole("button", { name: "Revoke", exact: true }).click();
  await expect(page.getByText("No API keys yet")).toBeVisible();
  expect(await who(second)).toBe(401);
});

test("nothing typed is lost when the sign-in ends in the middle of a form", async ({ page }) => {
  await page.goto(`${endpoints.portal}tenants/acme/managers/invite`);
  await signIn(page);
  await page.getByLabel("E-mail").fill("half.typed@acme.example");
  const refuse = (answer: { fulfill: (with_: object) => Promise<void> }): Promise<void> =>
    answer.fulfill({ status: 401, contentType: "application/problem+json", body: JSON.stringify({ type: "t", title: "Sign in", status: 401, code: "access.unauthenticated", detail: "Sign in." }) });
  await page.route("**/v1/**", refuse);
  await page.route("**/oauth2/token", (answer) => answer.fulfill({ status: 400, contentType: "application/json", body: '{"error":"invalid_grant"}' }));
  await page.getByRole("button", { name: "Invite", exact: true }).click();
  const ended = page.getByRole("dialog", { name: "Your sign-in has ended" });
  await expect(ended).toBeVisible();
  await look(page, "sign-in-ended");
  await page.unrouteAll();
  await ended.getByRole("button", { name: "Sign in again" }).click();
  await page.locator("input[name=username]").fill(endpoints.admin_user.username);
  await page.locator("input[name=password]").fill(endpoints.admin_user.password);
  await page.locator("input[name=password]").press("Enter");
  await expect(page.getByLabel("E-mail")).toHaveValue("half.typed@acme.example");
});

test("what a customer has set up is looked at, live", async ({ page }) => {
  await page.goto(`${endpoints.portal}tenants/acme/instances`);
  await signIn(page);
  await page.getByRole("button", { name: "What the customer's administrator does" }).click();
  const check = page.getByRole("button", { name: "Check acme now" });
  const approve = async (...origins: string[]): Promise<void> => {
    const arn = await page.getByText("arn:aws:connect:eu-west-2:111122223333:instance/", { exact: false }).first().innerText();
    expect((await page.request.put(`${endpoints.simulator}/sim/origins`, { data: { arn: arn.trim(), origins } })).ok()).toBe(true);
  };
  await approve();
  await tabTo(page, check);
  await page.keyboard.press("Enter");
  await expect(page.getByText("Directory role: done")).toBeVisible();
  await expect(page.getByText("Approved origin: not done")).toBeVisible();
  await expect(page.getByText("Contact Control Panel: done")).toBeVisible();
  await look(page, "setup-half");
  const softphone = await (await ask(page, "GET", "/v1/tenants/acme")).json() as { urls: { softphone: string } };
  await approve(new URL(softphone.urls.softphone).origin);
  await expect(page.getByText("Approved origin: done")).toBeVisible(); // by itself
  await expect(page.getByText("All is done", { exact: false })).toBeVisible();
  await look(page, "setup-done");
});

test("who has no mouse gets everywhere", async ({ page }) => {
  await page.goto(`${endpoints.portal}about`);
  await tabTo(page, page.getByRole("button", { name: "Sign in" }));
  await page.keyboard.press("Enter");
  await page.locator("input[name=username]").fill(endpoints.admin_user.username);
  await page.locator("input[name=password]").fill(endpoints.admin_user.password);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "About", level: 1 })).toBeVisible();
  await look(page, "about");
  await tabTo(page, page.getByRole("link", { name: "Tenants", exact: true }).first());
  await page.keyboard.press("Enter");
  await tabTo(page, page.getByRole("link", { name: "acme", exact: true }));
  await page.keyboard.press("Enter");
  await tabTo(page, page.getByRole("tab", { name: "Overview" }));
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  await tabTo(page, page.getByRole("link", { name: "Invite a manager" }));
  await page.keyboard.press("Enter");
  await tabTo(page, page.getByLabel("E-mail"));
  await page.keyboard.type("by.keys@acme.example");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("row", { name: /by\.keys/ })).toBeVisible();
  await page.goto(endpoints.portal);
  await tabTo(page, page.getByRole("link", { name: "Onboard a tenant" }));
  await page.keyboard.press("Enter");
  await tabTo(page, page.getByLabel("Paste anything of the instance"));
  await page.keyboard.insertText(`${instance} https://by-keys.my.connect.aws/home`);
  await tabTo(page, page.getByRole("button", { name: "Next" }));
  await page.keyboard.press("Enter");
  await tabTo(page, page.getByLabel("Slug"));
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.type("bykeys");
  await tabTo(page, page.getByLabel("Display name"));
  await page.keyboard.type("By keys alone");
  await tabTo(page, page.getByRole("radio", { name: "Pooled" }));
  await page.keyboard.press("ArrowDown");
  await expect(page.getByRole("radio", { name: "Dedicated" })).toBeChecked();
  await tabTo(page, page.getByRole("button", { name: "Next" }));
  await page.keyboard.press("Enter");
  await expect(page.getByText("bykeys – By keys alone")).toBeVisible();
  await tabTo(page, page.getByRole("button", { name: "Cancel" }));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Tenants", level: 1 })).toBeVisible();
});

test("tenants are chosen, looked at and upgraded together", async ({ page }) => {
  await page.goto(`${endpoints.portal}upgrades`);
  await signIn(page);
  await expect(page.getByRole("heading", { name: "Upgrades", level: 1 })).toBeVisible();
  await look(page, "upgrades");
  await page.getByRole("link", { name: "Tenants", exact: true }).first().click();
  const acme = page.getByRole("row").filter({ has: page.getByRole("link", { name: "acme", exact: true }) });
  await acme.getByRole("checkbox", { name: "Choose acme", exact: true }).check();
  const version = await acme.getByRole("link", { name: /^Tenants with / }).innerText();
  await page.getByRole("link", { name: "Upgrade 1" }).click();
  await page.getByLabel("Artifact version").fill(version);
  await page.getByRole("button", { name: "Show what would change" }).click();
  await page.getByText("0 resources").click();
  await expect(page.getByText("Nothing would change: the stack has", { exact: false })).toBeVisible();
  await look(page, "upgrade-new");
  await page.getByRole("button", { name: "Upgrade", exact: true }).click();
  await expect(page.getByRole("heading", { name: `Upgrade to ${version}`, level: 1 })).toBeVisible();
  await expect(page.getByRole("row", { name: /acme/ })).toContainText("succeeded");
  await look(page, "upgrade");
  await page.getByRole("link", { name: "The operation of acme" }).click();
  await expect(page.getByRole("heading", { name: "upgrade of acme", level: 1 })).toBeVisible();
});

test("a cell says how full it is, and gets another capacity", async ({ page }) => {
  await page.goto(`${endpoints.portal}cells`);
  await signIn(page);
  const cell = page.getByRole("row", { name: /local/ });
  await expect(cell).toContainText("takes them");
  await look(page, "cells");
  await cell.getByRole("link", { name: "local", exact: true }).click();
  const shards = page.getByLabel("Shards that its search may hold");
  const before = await shards.inputValue();
  await shards.fill("4321");
  await look(page, "cell");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("The cell local is saved")).toBeVisible();
  await page.goBack();
  await expect(cell).toContainText("of 4,321");
  await cell.getByRole("link", { name: "Tenants in local" }).click();
  await expect(page.getByRole("link", { name: "acme", exact: true })).toBeVisible();
  await look(page, "tenants-of-a-cell");
  await page.goto(`${endpoints.portal}cells/local`);
  await shards.fill(before);
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("The cell local is saved")).toBeVisible();
  await page.goto(`${endpoints.portal}cells/new`);
  await expect(page.getByRole("heading", { name: "Add a cell", level: 1 })).toBeVisible();
  await look(page, "cell-new");
});

test("a tenant's dashboards are given as a file, and taken from one", async ({ page }) => {
  await page.goto(`${endpoints.portal}tenants/acme/space`);
  await signIn(page);
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export" }).click();
  const exported = await (await downloading).path();
  expect(readFileSync(exported, "utf8").trim().split("\n").length).toBeGreaterThan(1);
  const file = page.locator("input[type=file]");
  await file.setInputFiles({ name: "nothing.ndjson", mimeType: "application/x-ndjson", buffer: Buffer.from("this is no export\n") });
  await page.getByRole("button", { name: "Import" }).click();
  await expect(page.getByText("Importing: ", { exact: false })).toBeVisible();
  await look(page, "space-refused");
  await file.setInputFiles({ name: "acme.ndjson", mimeType: "application/x-ndjson", buffer: readFileSync(exported) });
  await page.getByRole("button", { name: "Import" }).click();
  await expect(page.getByText("Imported: 0 created, 0 replaced", { exact: false })).toBeVisible();
  await look(page, "space");
});
