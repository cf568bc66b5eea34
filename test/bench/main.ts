// The benchmark's parts, in order, and what became of the targets.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startProgress, type Progress } from "../../src/cli/progress.ts";
import { giveUp, run, shutDown, stopOnSignals } from "../../src/cli/shutdown.ts";
import { keepShowing } from "./keep-showing.ts";
import { bill } from "./parts/bill.ts";
import { busy } from "./parts/busy.ts";
import { bytes } from "./parts/bytes.ts";
import { growth } from "./parts/growth.ts";
import { imports } from "./parts/imports.ts";
import { ingest } from "./parts/ingest.ts";
import { pipes } from "./parts/pipes.ts";
import { read } from "./parts/read.ts";
import { size } from "./parts/size.ts";
import { store } from "./parts/store.ts";
import { upkeep } from "./parts/upkeep.ts";
import { keepsBound, printTable, RESULTS, targetsTable, writeResult, type PartResult } from "./results.ts";
import { ROOT } from "./runtime.ts";

const PARTS: Record<string, (quick: boolean, progress: Progress) => Promise<PartResult>> = {
  ingest,
  store,
  growth,
  busy,
  read,
  bill,
  size,
  bytes,
  upkeep,
  import: imports,
  pipes,
};

const USAGE = `npm run bench [-- PART...] [-- --quick]

  Measures Tidings and what one might have instead, all of it on this machine, and writes tables, JSON and charts
  into test/bench/results. Parts: ${Object.keys(PARTS).join(", ")}, providers; all of them where none is named.
  --quick      a small run of a minute or two, to see that it works; without providers, unless named
  Ends with 0 where all targets are met and with 2 where one is missed.`;

async function main(): Promise<void> {
  stopOnSignals((signal) => (signal === "SIGINT" ? 130 : 143));
  const { values, positionals } = readArguments();
  if (values.help === true) {
    console.log(USAGE);
    return;
  }
  const known = [...Object.keys(PARTS), "providers"];
  const unknown = positionals.find((part) => !known.includes(part));
  if (unknown !== undefined)
    return await giveUp(`there is no part "${unknown}"; name some of ${known.join(", ")}`);
  const targets: PartResult["targets"] = [];
  const quick = values.quick === true;
  const all = quick ? Object.keys(PARTS) : known;
  let sound = true;
  for (const part of positionals.length === 0 ? all : known.filter((one) => positionals.includes(one))) {
    const measure = PARTS[part];
    if (measure === undefined) {
      sound = measureProviders();
      continue;
    }
    const progress = keepShowing(startProgress(part));
    const result = await measure(quick, progress);
    progress.end();
    for (const table of result.tables) printTable(table);
    console.log("");
    writeResult(part, result);
    targets.push(...result.targets);
  }
  if (targets.length > 0) {
    printTable(targetsTable(targets));
    console.log(`\nJSON and charts are in ${RESULTS}`);
  }
  await shutDown(sound && targets.every(keepsBound) ? 0 : 2);
}

function readArguments() {
  try {
    const options = { quick: { type: "boolean" }, help: { type: "boolean", short: "h" } } as const;
    return parseArgs({ options, allowPositionals: true });
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`, {
      cause: error,
    });
  }
}

/** Runs inside of the test runner, because the providers' fixtures are at hand there. Tells whether they keep their bound. */
function measureProviders(): boolean {
  const vitest = join(ROOT, "node_modules", "vitest", "vitest.mjs");
  const config = join(import.meta.dirname, "vitest.config.ts");
  const { status } = spawnSync(process.execPath, [vitest, "run", "--config", config], { stdio: "inherit" });
  return status === 0;
}

await run(main);
