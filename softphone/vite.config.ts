import { defineConfig } from "vite";

// The site: static files whose names carry their content's hash, and nothing inline, which the policy of the page would stop.
export default defineConfig({
  base: "./",
  build: {
    target: "es2022",
    outDir: "dist",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1600, // the Connect library alone is that large
  },
});
