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
