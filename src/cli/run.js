// The entry of the scripts of package.json. It is plain JavaScript that runs on every Node, because it checks whether
// the rest can run at all: TypeScript, whose types Node itself strips.

import { existsSync } from "node:fs";

const [, , script, ...rest] = process.argv;
/** @type {Record<string, string>} */
const scripts = {
  build: "./build.ts",
  start: "./start.ts",
  demo: "../demo/demo.ts",
  deploy: "./deploy.ts",
  simulate: "../../test/simulation/command.ts",
  fuzz: "../../test/fuzz/run.ts",
  bench: "../../test/bench/main.ts",
  peers: "../../test/pipes/command.ts",
  docs: "../../test/docs/command.ts",
};
const file = Object.hasOwn(scripts, script) ? scripts[script] : undefined;

/** @param {string} message */
function refuse(message) {
  console.error(`tidings: ${message}`);
  process.exit(1);
}

if (file === undefined) {
  refuse(`name the script to run, one of ${Object.keys(scripts).join(", ")}`);
} else if (!existsSync(new URL("../../node_modules/wrangler", import.meta.url))) {
  refuse("the dependencies are not installed yet; run `npm install` first");
} else if (!process.features.typescript) {
  // npm uses the Node that `npm install` brings before any other, unless it was told to run no install scripts.
  refuse(
    `needs Node 22.18 or later, and this is ${process.version}; \`npm install\` brings one that \`npm start\` uses`,
  );
} else {
  process.argv = [process.argv[0], script, ...rest]; // the usual shape: [node, script, ...arguments]
  import(file).catch(function (error) {
    refuse(String(error));
  });
}
