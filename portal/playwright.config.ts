import { defineConfig } from "@playwright/test";

// The waits are long because the machine may be busy; nothing here measures time.
// Looks at the portal of a running product in Chromium. EARSHOT_ENDPOINTS names the file that the launcher writes; CHROMIUM
// names another browser than the system's.
export default defineConfig({
  testDir: "test/browser",
  workers: 1,
  timeout: 600_000,
  reporter: "list",
  outputDir: "screenshots/failed",
  expect: { timeout: 60_000 },
  use: {
    actionTimeout: 60_000,
    locale: "en-GB",
    permissions: ["clipboard-read", "clipboard-write"],
    viewport: { width: 1280, height: 900 },
    launchOptions: { executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-dev-shm-usage"] },
  },
});
