// `npm run demo`: sends two days of webhook traffic in half a minute to the real Worker on this machine, which passes
// events on to two receivers, and reports whether the result matches the traffic that was sent.

import { createWriteStream } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { banner } from "../cli/banner.ts";
import { copyCode } from "../cli/copy-code.ts";
import { findPort, portInUse, startEdge, type Edge } from "../cli/edge.ts";
import { DEFAULT_PORT, DEMO_USAGE, readOptions, type Options } from "../cli/options.ts";
import { format, startProgress } from "../cli/progress.ts";
import {
  apiAt,
  countDeadLetters,
  readEvents,
  readRows,
  readSources,
  sumOf,
  waitUntilThrough,
} from "./read-back.ts";
import { readFacts } from "./facts.ts";
import {
  comparePassed,
  makePipes,
  pipeHints,
  readDue,
  waitUntilPassed,
  type DemoPipes,
} from "./passing-on.ts";
import { compare, compareSources, differs, summary, table, type Row } from "./report.ts";
import { sendAll, type Sent } from "./send.ts";
import { API_TOKEN, DEMO_SETTINGS, DEMO_VARIABLES } from "./demo-settings.ts";
import { beforeExit, giveUp, run, shutDown, stopOnSignals } from "../cli/shutdown.ts";
import { expectationOf, makeTraffic } from "./traffic/traffic.ts";
import { ROOT } from "../cli/wrangler.ts";

const STATE = join(".wrangler", "demo");
const LOG = join(STATE, "worker.log");
const SEED = 20_261_121;

let exitCode: number | null = null;

await run(async () => {
  const options = readOptions("demo", process.argv.slice(2));
  if (!options.ok) return await giveUp(options.reason, 2);
  if (options.value.help) return console.log(DEMO_USAGE);
  // A demo that is stopped before its result has not passed.
  stopOnSignals((signal) => exitCode ?? (signal === "SIGINT" ? 130 : 143));
  const edge = await startDemoEdge(options.value);
  void edge.ended.then(async () => await giveUp(`the Worker stopped; its log is in ${LOG}`));
  const pipes = await makePipes(edge.url, API_TOKEN);
  exitCode = (await demonstrate(edge, options.value, pipes)) ? 0 : 1;
  if (options.value.exit) return await shutDown(exitCode);
  console.log(`\n${banner(edge, DEMO_SETTINGS, Date.now())}\n${pipeHints(edge.url, API_TOKEN, pipes)}`);
  console.log("It stays up for a look. Ctrl-C stops it.");
});

/** Starts the Worker on a fresh state, with sources of its own, so that nothing depends on the user's configuration. */
async function startDemoEdge({ port, exit }: Options): Promise<Edge> {
  const wanted = port ?? (exit ? 0 : DEFAULT_PORT);
  const free = await findPort(wanted);
  if (free === null) return await giveUp(portInUse("npm run demo", wanted));
  await claimState();
  const code = join(ROOT, STATE, "code");
  const config = await copyCode(code);
  const variables = join(ROOT, STATE, "variables");
  await writeFile(variables, DEMO_VARIABLES);
  const log = createWriteStream(join(ROOT, LOG));
  beforeExit(() => new Promise((resolve) => log.end(resolve)));
  console.log("Starting Tidings on this machine, with an empty database ...");
  const started = await startEdge({
    port: free,
    state: STATE,
    entry: join(code, "src", "demo", "demo-worker.ts"),
    config,
    envFile: variables,
    log: (line) => void log.write(`${line}\n`),
  });
  return started.ok ? started.value : await giveUp(started.reason);
}

/** Two demos would delete each other's state, so each writes its process id into a file while it is up. */
async function claimState(): Promise<void> {
  const file = join(ROOT, STATE, "process");
  const other = Number(await readFile(file, "utf8").catch(() => "0"));
  if (other > 0 && isAlive(other))
    await giveUp(`a demo is running already (process ${other}); stop it first`);
  await rm(join(ROOT, STATE), { recursive: true, force: true });
  await mkdir(join(ROOT, STATE), { recursive: true });
  await writeFile(file, String(process.pid));
  beforeExit(async () => await rm(file, { force: true }));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Sends, waits, reads back and reports; returns whether every figure is as expected. */
async function demonstrate(edge: Edge, { events, verbose }: Options, pipes: DemoPipes): Promise<boolean> {
  const traffic = makeTraffic({ seed: SEED, events, now: Date.now() });
  const expectation = expectationOf(traffic);
  const api = apiAt(edge.url, API_TOKEN);
  console.log(
    `Sending ${format(events)} events as ${traffic.reports.size} systems would, signed as each of them signs, each more than once.\n`,
  );
  const sending = startProgress("Sending");
  const sent = await sendAll(edge.url, traffic.requests, (done) =>
    sending.show(done, traffic.requests.length, "requests"),
  );
  sending.end();
  const storing = startProgress("Storing");
  await edge.tick();
  await waitUntilThrough(api, expectation.total, (counts) =>
    storing.show(sumOf(counts), sumOf(expectation.total), "accounted for"),
  );
  storing.end();
  const rows = await readRows(STATE);
  if (!rows.ok) return await giveUp(rows.reason);
  const findings = {
    sent,
    sources: await readSources(api),
    events: await readEvents(api),
    deadLetters: await countDeadLetters(api),
    rows: rows.value,
  };
  const due = await readDue(api, findings.events);
  const passing = startProgress("Passing");
  await waitUntilPassed(api, pipes, due, (done, all) => passing.show(done, all, "arrived"));
  passing.end();
  const passed = comparePassed(pipes, due);
  const compared = [...compare(expectation, findings), ...passed.rows];
  const bySource = compareSources(expectation, findings);
  const facts = await readFacts(api, traffic.examples, findings.events);
  const checked = [...compared, ...bySource.rows, ...facts.rows];
  const shown = verbose
    ? [table(compared), bySource.text, facts.text, passed.text]
    : [summary(expectation, checked), facts.text];
  console.log(`\n${shown.join("\n\n")}\n`);
  return conclude(checked.filter(differs), sent);
}

function conclude(different: readonly Row[], { surprises, retried }: Sent): boolean {
  if (retried > 0) console.log(`${format(retried)} requests had to be sent again, as an ESP would.`);
  if (different.length === 0) {
    console.log("Everything is as expected. All of it ran on this machine; nothing was sent anywhere.");
    return true;
  }
  for (const { name, expected, actual } of different) console.log(`✗ ${name}: ${actual}, not ${expected}`);
  for (const surprise of surprises.slice(0, 10)) console.log(`✗ ${surprise}`);
  console.log(`Something differs. The Worker's log is in ${LOG}. All of it ran on this machine.`);
  return false;
}
