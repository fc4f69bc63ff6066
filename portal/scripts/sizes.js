// Fails the build when the first load has outgrown its bound. Sizes are of gzip, as the admin service sends it.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const atMost = 400;
const page = readFileSync("dist/index.html", "utf8");

// What the first paint waits for: the scripts that the page names, and what they import at once.
const seen = new Set();
const follow = (name) => {
  if (seen.has(name)) return;
  seen.add(name);
  const text = readFileSync(`dist/assets/${name}`, "utf8");
  for (const [, next] of text.matchAll(/(?:^|[;}])import(?:[^"'();]*from)?["']\.\/([^"']+)["']/g)) follow(next);
};
for (const [, name] of page.matchAll(/assets\/([^"]+\.js)/g)) follow(name);
if (seen.size === 0) throw new Error("the page loads no script");

const kib = [...seen].reduce((sum, name) => sum + gzipSync(readFileSync(`dist/assets/${name}`)).length / 1024, 0);
console.log(`first load: ${kib.toFixed(1)} KiB of ${atMost}`);
if (kib > atMost) process.exitCode = 1;
