// `npm run bench` begins here. Plain JavaScript for whatever Node is there, because what it checks is whether the rest,
// TypeScript that Node itself strips of its types, can run at all.

import { existsSync } from "node:fs";

const installed = ["miniflare", "esbuild", "express"].every((name) =>
  existsSync(new URL(`../../node_modules/${name}`, import.meta.url)),
);

if (!installed) {
  console.error("tidings: the dependencies are not installed yet; run `npm ci` first");
  process.exitCode = 1;
} else if (!process.features.typescript) {
  console.error(
    `tidings: needs Node 22.18 or later, and this is ${process.version}; \`npm ci\` brings one that \`npm run bench\` uses`,
  );
  process.exitCode = 1;
} else {
  import("./main.ts").catch(function (error) {
    console.error(`tidings: ${String(error)}`);
    process.exitCode = 1;
  });
}
