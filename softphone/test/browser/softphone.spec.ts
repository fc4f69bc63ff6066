import { AxeBuilder } from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";

import { ccpFrame, test, type World } from "./world";

/** The rules that a scheme of other colours can offend; what the others look at is the same in both. */
const ofColours = ["color-contrast", "link-in-text-block"];

/** Takes pictures in light and dark and looks for what keeps people out. */
async function look(page: Page, name: string): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: `screenshots/${name}-${colorScheme}.png`, fullPage: true });
    const axe = new AxeBuilder({ page }).exclude("#ccp").setLegacyMode(); // the panel is the only frame
    const { violations } = await (colorScheme === "light" ? axe : axe.withRules(ofColours)).analyze();
    expect(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)]), `${name}, ${colorScheme}`).toEqual([]);
  }
}

async function open(page: Page, world: World, query = "?instance=acme-berlin"): Promise<void> {
  await page.goto(`${world.site}/${query}`);
}

test.afterEach(({ world }) => {
  expect(world.errors).toEqual([]);
});

for (const [name, config, text] of [
  ["config-missing", undefined, "missing (403)"],
  ["config-damaged", "<!doctype html>", "damaged"],
  ["config-wrong", { tenant: "acme" }, "displayName, region"],
] as const) {
  test(`${name}: the page says what is wrong`, async ({ page, world }) => {
    world.config = config;
    await open(page, world);
    await expect(page.getByRole("alert")).toContainText(text);
    await look(page, name);
  });
}

test("no instance, and none of this name", async ({ page, world }) => {
  world.config = { ...world.good(), connectInstances: [] };
  await open(page, world, "");
  await expect(page.getByRole("alert")).toContainText("No Amazon Connect instance");
  world.config = world.good();
  await open(page, world, "?instance=rome");
  await expect(page.getByRole("alert")).toContainText("“rome”");
  await look(page, "chooser-unknown");
});

test("the chooser remembers", async ({ page, world }) => {
  await open(page, world, "");
  await look(page, "chooser");
  await page.getByRole("link", { name: "acme-york" }).click();
  await expect(page.getByText("acme-york")).toBeVisible();
  await open(page, world, "");
  await expect(page.getByText("acme-york")).toBeVisible();
  await page.getByRole("link", { name: "Change" }).click();
  await expect(page.getByRole("link", { name: "acme-berlin" })).toBeVisible();
});

test("German by the browser's choice", async ({ browser, world }) => {
  const context = await browser.newContext({ locale: "de-AT" });
  world.ccpQuery = "?silent";
  world.config = world.good();
  const page = await context.newPage();
  await open(page, world);
  await expect(page.getByRole("button", { name: "Anmelden" })).toBeVisible();
  await expect(page.locator("html")).toHaveAttribute("lang", "de");
  await look(page, "sign-in-german");
  await context.close();
});

test("no session: asked, and after two tries told what may be wrong", async ({ page, world }) => {
  await page.clock.install();
  world.ccpQuery = "?silent";
  world.config = world.good();
  await open(page, world);
  const signIn = page.getByRole("button", { name: "Sign in" });
  await expect(signIn).toBeVisible();
  await look(page, "sign-in");
  for (const advice of ["approved origins", "cookies of ccp.localhost"]) {
    const popup = page.waitForEvent("popup");
    await signIn.click();
    await expect(page.getByText("Sign in in the other window").first()).toBeVisible();
    await look(page, "signing-in");
    await (await popup).close();
    await page.clock.runFor(25_000);
    await expect(page.getByText(advice)).toBeVisible();
  }
  await expect(page.getByText(world.site)).toBeVisible();
  await look(page, "no-session");
});

test("a call: shown as it sounds, marked, remembered, and sent without its secrets", async ({ page, world }) => {
  await open(page, world);
  await expect(page.getByText("Connected to Amazon Connect")).toBeVisible();
  await look(page, "ready");
  const ccp = await ccpFrame(page, world);
  await ccp.evaluate("sim.ring('k-1', 'Support')");
  await page.waitForTimeout(300);
  await ccp.evaluate("sim.connect()");
  await ccp.evaluate("sim.stats('k-1', 30)");
  await expect(page.getByText("Call from Support")).toBeVisible();
  await expect(page.getByText(/^4\.\d\d of 4\.5$/).first()).toBeVisible();
  await look(page, "call-good");
  await ccp.evaluate("sim.mute(true)");
  await page.getByRole("button", { name: "This call sounds bad" }).click();
  await expect(page.getByText("The last 30 seconds are marked")).toBeVisible();
  await ccp.evaluate("sim.stats('k-1', 30, {packetsLost: 6, roundTripTimeMillis: 420}, {packetsLost: 4, roundTripTimeMillis: 420})");
  await expect(page.getByText("in both directions")).toBeVisible();
  await look(page, "call-bad");
  await ccp.evaluate("sim.metric('acceptContact', 120)");
  await ccp.evaluate("sim.end('k-1')");
  await ccp.evaluate("sim.report('k-1')");
  await ccp.evaluate("sim.stats('k-1', 4)");
  await ccp.evaluate("sim.clear('k-1')");
  await ccp.evaluate("sim.metric('clearContact', 30)");
  await expect(page.getByRole("listitem").filter({ hasText: "marked as bad" })).toBeVisible();
  await look(page, "after-call");
  const ofTheCall = () => world.bodies.filter((body) => body["route"] !== "/v1/apimetrics");
  await expect.poll(() => ofTheCall().length).toBe(4);
  const [first, second, report, last] = ofTheCall();
  expect(first).toMatchObject({ route: "/v1/softphonemetrics", agent: "kim.example", schemaVersion: 2, connectInstance: "acme-berlin", contactId: "k-1", contactQueue: "Support", agentRoutingProfile: "Basic", openPages: 1, signalingHost: "rtc.eu-central-1.amazonaws.com", iceHosts: ["turn:turn.example.com:3478"] });
  expect(first?.["markedBadAt"]).toBeUndefined();
  expect(second?.["markedBadAt"]).toHaveLength(1);
  expect(report).toMatchObject({ route: "/v1/callreport", contactId: "k-1", contactQueue: "Support", report: { gumTimeMillis: 3 } });
  expect(last?.["softphoneStreamStatistics"]).toHaveLength(8);
  expect(JSON.stringify(world.bodies)).not.toMatch(/SECRET|callConfigJson/);
  await page.close();
  await expect.poll(() => world.bodies.filter((body) => body["route"] === "/v1/apimetrics")).toMatchObject([
    { API_METRIC: [{ name: "acceptContact", time: 120 }] }, // with the report
    { API_METRIC: [{ name: "clearContact", time: 30 }] }, // with the page
  ]);
});

test("two calls at once", async ({ page, world }) => {
  await open(page, world);
  const ccp = await ccpFrame(page, world);
  await expect(page.getByText("Connected to Amazon Connect")).toBeVisible();
  await ccp.evaluate("sim.ring('k-1', 'Support'); sim.ring('k-2', 'Sales')");
  await page.waitForTimeout(300);
  await ccp.evaluate("sim.connect(); sim.stats('k-1', 30); sim.stats('k-2', 30, {}, {audioLevel: 0})");
  await expect(page.getByText("Is the headset muted?")).toBeVisible();
  await look(page, "two-calls");
  await expect.poll(() => world.bodies.map((body) => [body["contactId"], body["contactQueue"]])).toEqual([["k-1", "Support"], ["k-2", "Sales"]]);
});

test("a suspended tenant and a refused page: the agent is told, and calls work", async ({ page, world }) => {
  for (const [status, text, name] of [[403, "refuses the statistics", "barred"], [410, "takes no statistics", "suspended"]] as const) {
    world.status = status;
    await open(page, world);
    const ccp = await ccpFrame(page, world);
    await expect(page.getByText("Connected to Amazon Connect")).toBeVisible();
    await page.waitForTimeout(500);
    await ccp.evaluate("sim.stats('k-1', 5)");
    await expect(page.getByText(text)).toBeVisible();
    await page.getByRole("button", { name: "Start the check" }).click();
    await expect(page.getByRole("button", { name: "Start the check" })).toBeEnabled();
    await look(page, name);
  }
});

test("an outage and a reload in it: every second that the page had kept arrives once", async ({ page, world }) => {
  const kept = () => page.evaluate(() => new Promise<number>((resolve, reject) => {
    const opened = indexedDB.open("earshot");
    opened.onerror = () => { reject(new Error("no outbox")); };
    opened.onsuccess = () => {
      const counted = opened.result.transaction("entries").objectStore("entries").count();
      counted.onsuccess = () => {
        opened.result.close();
        resolve(counted.result);
      };
    };
  }));
  world.status = 503;
  await open(page, world);
  const ccp = await ccpFrame(page, world);
  await expect(page.getByText("Connected to Amazon Connect")).toBeVisible();
  await page.waitForTimeout(500);
  await ccp.evaluate("sim.stats('k-1', 5)");
  await expect(page.getByText("Nothing is lost")).toBeVisible();
  await look(page, "waiting");
  await ccp.evaluate("sim.stats('k-1', 4)");
  await expect.poll(kept).toBe(2);
  await page.reload();
  world.status = 202;
  await expect.poll(() => world.bodies.map((body) => (body["softphoneStreamStatistics"] as unknown[]).length)).toEqual([10, 8]);
  await page.waitForTimeout(3000);
  expect(world.bodies).toHaveLength(2);
});

for (const [name, library, pinned] of [
  ["none is supplied", undefined, ""],
  ["it is not the one that was pinned", "connect.RTCSession = class {};", "another"],
  ["it is no such library", "window.other = 1;", "window.other = 1;"],
] as const) {
  test(`a page that owns the media, and ${name}: the page says so`, async ({ page, world }) => {
    world.rtc = library;
    world.config = { ...world.good(), mediaOwner: "page", ...(library === undefined ? {} : { rtcScript: world.pin(pinned) }) };
    await open(page, world);
    await expect(page.getByRole("alert")).toContainText("carries the audio itself");
    if (library === undefined) await look(page, "rtc-missing");
  });
}

test("a page that owns the media: its library joins Connect's", async ({ page, world }) => {
  world.rtc = "connect.RTCSession = class {}; window.before = typeof connect.core.initCCP;";
  world.config = { ...world.good(), mediaOwner: "page", rtcScript: world.pin(world.rtc) };
  await open(page, world);
  await expect(page.getByText("Connected to Amazon Connect")).toBeVisible();
  expect(await page.evaluate("before")).toBe("function");
});

test("two tabs: the agent is told", async ({ page, context, world }) => {
  await open(page, world);
  const other = await context.newPage();
  await open(other, world);
  await expect(page.getByText("2 softphone pages are open")).toBeVisible();
  await look(page, "two-tabs");
  await other.close();
  await expect(page.getByText("2 softphone pages are open")).toBeHidden();
});

test("the frame falls silent", async ({ page, world }) => {
  await page.clock.install();
  await open(page, world);
  const ccp = await ccpFrame(page, world);
  await expect(page.getByText("Connected to Amazon Connect")).toBeVisible();
  await ccp.evaluate("sim.silence()");
  await page.clock.runFor(21_000);
  await expect(page.getByRole("heading", { name: "does not answer" })).toBeVisible();
  await look(page, "lost");
});

test("microphone denied, no database", async ({ browser, world }) => {
  const context = await browser.newContext({ permissions: [] });
  const page = await context.newPage();
  await page.addInitScript(() => {
    Object.defineProperty(window, "indexedDB", { get: () => ({ open: () => { throw new DOMException("no", "SecurityError"); } }) });
    navigator.permissions.query = () => Promise.resolve(Object.assign(new EventTarget(), { state: "denied" }) as PermissionStatus);
  });
  await open(page, world);
  await expect(page.getByRole("heading", { name: "microphone is blocked" })).toBeVisible();
  await expect(page.getByRole("heading", { name: "kept in memory" })).toBeVisible();
  await look(page, "denied");
  const ccp = await ccpFrame(page, world);
  await expect(page.getByText("Connected to Amazon Connect")).toBeVisible();
  await page.waitForTimeout(500);
  await ccp.evaluate("sim.stats('k-1', 5)");
  await expect.poll(() => world.bodies.length).toBe(1);
  await context.close();
});

test("no storage at all, which Amazon Connect needs: the page says so", async ({ page, world }) => {
  await page.addInitScript(() => {
    Object.defineProperty(window, "localStorage", { get: () => { throw new DOMException("no", "SecurityError"); } });
  });
  await open(page, world);
  await expect(page.getByRole("alert")).toContainText("Allow this page to store data");
});

test("a narrow window, with the keyboard alone", async ({ page, world }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await open(page, world);
  await expect(page.getByText("Connected to Amazon Connect")).toBeVisible();
  await look(page, "narrow");
  await page.getByRole("button", { name: "Start the check" }).focus();
  await page.keyboard.press("Enter");
  await expect(page.getByText("The microphone hears you")).toBeVisible();
  await expect(page.getByText("Statistics reach Earshot")).toBeVisible();
  await look(page, "checked");
});
