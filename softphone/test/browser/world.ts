import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";

import { test as base, type Frame, type Page } from "@playwright/test";

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** A site as it is published, a telemetry API and a stand-in for the CCP, each of an origin of its own. */
export class World {
  /** What config.json holds; undefined: it is missing. */
  config: unknown;
  /** What the API answers. */
  status = 202;
  /** The RTC library that an operator supplies. */
  rtc: string | undefined;
  /** A company's own page. */
  custom = "";
  /** What the CCP's address says besides. */
  ccpQuery = "";
  readonly bodies: Record<string, unknown>[] = [];
  readonly errors: string[] = [];
  site = "";
  ccp = "";
  api = "";
  readonly #servers: Server[] = [];

  async start(): Promise<void> {
    this.api = await this.#serve("api.localhost", (request, response) => this.#api(request, response));
    this.ccp = await this.#serve("ccp.localhost", async (request, response) => {
      const isScript = request.url === "/ccp.js";
      response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
      response.end(isScript ? await readFile("test/browser/ccp.js") : '<!doctype html><title>CCP</title><body><script src="/ccp.js"></script>');
    });
    this.site = await this.#serve("localhost", (request, response) => this.#site(request, response));
    this.config = this.good();
  }

  stop(): void {
    this.#servers.forEach((server) => {
      server.closeAllConnections();
      server.close();
    });
  }

  good(): Record<string, unknown> {
    const instance = (alias: string, region: string) => ({ alias, region, ccpUrl: `${this.ccp}/ccp-v2${this.ccpQuery}` });
    return {
      tenant: "acme", displayName: "Acme Care", region: "eu-central-1", telemetryApi: `${this.api}/v1`, mediaOwner: "frame", artifactVersion: "v1",
      connectInstances: [instance("acme-berlin", "eu-central-1"), instance("acme-york", "eu-west-2")],
    };
  }

  /** Names the RTC library, and the content that it must have. */
  pin(content: string): { src: string; integrity: string } {
    return { src: "rtc.js", integrity: `sha256-${createHash("sha256").update(content).digest("base64")}` };
  }

  async #serve(host: string, handle: Handler): Promise<string> {
    const server = createServer((request, response) => {
      handle(request, response).catch((error: unknown) => {
        response.statusCode = 500;
        response.end(String(error));
      });
    });
    this.#servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `http://${host}:${(server.address() as AddressInfo).port}`;
  }

  async #site(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const name = new URL(request.url ?? "/", "http://x").pathname.slice(1) || "index.html";
    // The headers of infra/cell.yaml and the policy of lambdas/softphone-site.
    response.setHeader("permissions-policy", "camera=(), geolocation=(), payment=(), usb=()");
    response.setHeader("referrer-policy", "strict-origin-when-cross-origin");
    if (name === "config.json") {
      response.statusCode = this.config === undefined ? 403 : 200;
      response.end(typeof this.config === "string" ? this.config : JSON.stringify(this.config));
      return;
    }
    if (name === "streams.js") {
      response.end(await readFile("node_modules/amazon-connect-streams/release/connect-streams-min.js"));
      return;
    }
    if (name === "rtc.js") {
      response.setHeader("content-type", "text/javascript");
      response.end(this.rtc);
      return;
    }
    if (name === "custom.html") {
      response.setHeader("content-type", "text/html");
      response.end(this.custom);
      return;
    }
    const types: Readonly<Record<string, string>> = { html: "text/html", js: "text/javascript", css: "text/css", svg: "image/svg+xml" };
    response.setHeader("content-type", types[name.split(".").at(-1) ?? ""] ?? "application/octet-stream");
    const content = await readFile(`dist/${name}`);
    const policy =
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; media-src 'self' blob:; " +
      `manifest-src 'self'; connect-src 'self' ${this.api}; frame-src ${this.ccp}; base-uri 'none'; form-action 'none'`;
    response.end(name.endsWith(".html") ? content.toString().replace(/<!-- earshot:.*-->/, `<meta http-equiv="Content-Security-Policy" content="${policy}">`) : content);
  }

  async #api(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader("access-control-allow-origin", this.site);
    response.setHeader("access-control-allow-headers", "content-type, content-encoding");
    if (request.method === "OPTIONS") {
      response.statusCode = 204;
      response.end();
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const raw = Buffer.concat(chunks);
    const text = request.headers["content-encoding"] === "gzip" ? gunzipSync(raw).toString() : raw.toString();
    const body = JSON.parse(text) as Record<string, unknown>;
    const isCheck = "test" in body;
    if (!isCheck && this.status === 202) this.bodies.push({ route: request.url, ...body });
    response.statusCode = isCheck && this.status === 202 ? 422 : this.status;
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ accepted: 1, rejected: [] }));
  }
}

export const test = base.extend<{ world: World }>({
  world: async ({ page }, use) => {
    const world = new World();
    await world.start();
    page.on("console", (message) => {
      const text = message.text();
      if (message.type() === "error" && /Content Security Policy|Refused to/.test(text)) world.errors.push(text);
    });
    page.on("pageerror", (error) => { world.errors.push(error.message); });
    await use(world);
    world.stop();
  },
});

/** The stand-in's frame, once it runs. */
export async function ccpFrame(page: Page, world: World): Promise<Frame> {
  for (;;) {
    const frame = page.frames().find((it) => it.url().startsWith(world.ccp));
    if (frame !== undefined && (await frame.evaluate("typeof sim").catch(() => "")) === "object") return frame;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
