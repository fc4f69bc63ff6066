import { defineConfig } from "vite";

// Static files that the admin service embeds, with nothing inline, which the policy of the page would stop. While the portal is
// worked on, `EARSHOT_API=http://localhost:8080 npm run dev` has the API of a running product answer.
const api = process.env["EARSHOT_API"];

export default defineConfig({
  build: {
    target: "es2022",
    outDir: "dist",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1400,
    // Libraries mark what may run on no server; there is none here.
    rolldownOptions: { onLog: (level, log, handle) => { if (log.code !== "MODULE_LEVEL_DIRECTIVE") handle(level, log); } },
  },
  ...(api === undefined ? {} : { server: { proxy: { "/v1": api, "/openapi.json": api, "/docs": api, "/portal-config.json": api } } }),
});
