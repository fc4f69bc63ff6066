import { defineConfig } from "@playwright/test";

// The waits are long because the machine may be busy; nothing here measures time.
// Looks at the built site in Chromium: run `npm run build` first. CHROMIUM names another browser than the system's.
export default defineConfig({
  testDir: "test/browser",
  fullyParallel: true,
  workers: 4, // they mostly wait
  timeout: 180_000,
  expect: { timeout: 60_000 },
  reporter: "list",
  outputDir: "screenshots/failed",
  use: {
    locale: "en-GB",
    permissions: ["microphone"],
    launchOptions: {
      executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-dev-shm-usage", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"],
    },
  },
});
