import { expect } from "@playwright/test";

import { endpoints, look, signIn, test } from "./world";

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
  await look(page, "tenants");
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
  await expect(page.getByText("tenant.not_found")).toBeVisible();
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

  await expect(page.getByRole("table", { name: "Resources of the stack" })).toBeVisible({ timeout: 60_000 });
  await look(page, "watch");
  await page.reload();
  await expect(page.getByRole("button", { name: "Copy the softphone's address" })).toBeVisible({ timeout: 60_000 });
  await expect(page.getByText("active", { exact: true }).first()).toBeVisible({ timeout: 60_000 });
  await page.getByRole("button", { name: "Copy the softphone's address" }).click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/^http:\/\/.*cloudfront/);

  await page.getByRole("tab", { name: "Connect instances" }).click();
  await expect(page.getByText("Approved origins")).toBeVisible();
  await look(page, "instances");
  await page.getByRole("tab", { name: "Manage" }).click();
  await look(page, "manage");
  await page.getByRole("button", { name: "Suspend the tenant" }).click();
  await expect(page.getByRole("heading", { name: "suspend of fabrikam", level: 1 })).toBeVisible();
  await expect(page.getByText("Succeeded", { exact: true }).first()).toBeVisible({ timeout: 60_000 });
  await look(page, "operation");
  await page.goBack();
  await page.getByRole("button", { name: "Resume the tenant" }).click();
  await expect(page.getByRole("heading", { name: "resume of fabrikam", level: 1 })).toBeVisible();
  await expect(page.getByText("Succeeded", { exact: true }).first()).toBeVisible({ timeout: 60_000 });

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
