import { expect } from "@playwright/test";

import { ccpFrame, test } from "./world";

for (const [how, attributes, call] of [
  ["by the script's attributes and one call", 'data-api="{API}" data-instance="acme-berlin"', "connect.core.initCCP(document.querySelector('#panel'), {ccpUrl: '{CCP}', loginPopup: false, softphone: {allowFramedSoftphone: true}}); initCustomImplementation();"],
  ["by one call alone", "", "connect.core.initCCP(document.querySelector('#panel'), {ccpUrl: '{CCP}', loginPopup: false, softphone: {allowFramedSoftphone: true}}); initCustomImplementation({api: '{API}/', instance: 'acme-berlin'}); initCustomImplementation({api: '{API}/'});"],
  ["as the published solution's generated page", 'apiGatewayUrl="{API}/" ccpUrl="{CCP}" region="eu-central-1" samlUrl="undefined" data-instance="acme-berlin"', ""],
] as const) {
  test(`a company's own page collects ${how}`, async ({ page, world }) => {
    const fill = (text: string): string => text.replaceAll("{API}", `${world.api}/v1`).replaceAll("{CCP}", `${world.ccp}/ccp-v2`);
    world.custom = `<!doctype html><title>Own page</title><div id="panel"></div><div id="containerDiv"></div>
      <script src="streams.js"></script><script>window.before = Object.keys(window)</script>
      <script src="earshot-collector.js" ${fill(attributes)}></script>
      <script>window.added = Object.keys(window).filter((name) => !before.includes(name) && name !== "before" && !/^\\d+$/.test(name)); ${fill(call)}</script>`;
    await page.goto(`${world.site}/custom.html`);
    const ccp = await ccpFrame(page, world);
    await page.waitForTimeout(1500);
    await ccp.evaluate("sim.ring('k-1', 'Support'); sim.connect()");
    await page.waitForTimeout(300);
    await ccp.evaluate("sim.stats('k-1', 30); sim.report('k-1')");
    await expect.poll(() => world.bodies.map((body) => body["route"])).toEqual(["/v1/softphonemetrics", "/v1/callreport"]);
    expect(world.bodies[0]).toMatchObject({ agent: "kim.example", schemaVersion: 2, connectInstance: "acme-berlin", contactId: "k-1", contactQueue: "Support" });
    expect(JSON.stringify(world.bodies)).not.toMatch(/SECRET|callConfigJson/);
    expect(await page.evaluate("added")).toEqual(["initCustomImplementation"]);
    expect(world.errors).toEqual([]);
  });
}
