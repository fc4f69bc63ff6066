import { defineConfig } from "vite";

// The drop-in for pages of others: one file under a lasting name.
export default defineConfig({
  publicDir: false,
  build: {
    target: "es2020",
    outDir: "dist",
    emptyOutDir: false,
    lib: { entry: "src/collector.ts", formats: ["iife"], name: "earshotCollector", fileName: () => "earshot-collector.js" },
  },
});
