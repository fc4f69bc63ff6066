// Fails the build when what a browser loads has outgrown its bound. Sizes are of gzip, as CloudFront sends it.
import { readFileSync, readdirSync } from "node:fs";
import { gzipSync } from "node:zlib";

const kib = (name) => gzipSync(readFileSync(name)).length / 1024;
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

const sizes = [
  { what: "first paint without the CCP", kib: [...seen].reduce((sum, name) => sum + kib(`dist/assets/${name}`), 0), atMost: 60 },
];
if (readdirSync("dist").includes("earshot-collector.js")) {
  sizes.push({ what: "earshot-collector.js", kib: kib("dist/earshot-collector.js"), atMost: 25 });
}
for (const size of sizes) {
  console.log(`${size.what}: ${size.kib.toFixed(1)} KiB of ${size.atMost}`);
  if (size.kib > size.atMost) process.exitCode = 1;
}
