// `npm run fuzz`: sends the whole Worker, on this machine, requests that no sender should send, and checks that its
// promises still hold. Each failure leaves a file that repeats it.

import { createWriteStream } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { copyCode } from "../../src/cli/copy-code.ts";
import { findPort, startEdge, type Edge } from "../../src/cli/edge.ts";
import { format, startProgress } from "../../src/cli/progress.ts";
import { apiAt } from "../../src/demo/read-back.ts";
import { beforeExit, giveUp, run, shutDown, stopOnSignals } from "../../src/cli/shutdown.ts";
import { ROOT } from "../../src/cli/wrangler.ts";
import { drive, type Driven } from "./drive.ts";
import { keepFinding, readRequests } from "./failures.ts";
import { findCause, likeness } from "./find-cause.ts";
import { watchMemory, type MemoryWatch } from "../bench/memory.ts";
import { growthOf, grewTooMuch } from "./memory.ts";
import { readOptions, USAGE, type Options } from "./options.ts";
import { makePlan } from "./plan.ts";
import { startHostileReceiver } from "./receiver.ts";
import { judgePipes, makeWitness, startWitness, waitForWitness, type Witness } from "./settle-pipes.ts";
import { discardSome, holdAgainstCounts, readAll, waitForRest } from "./settle.ts";
import { API_TOKEN, variables } from "./settings.ts";
import type { Finding, FuzzRequest } from "./types.ts";
import { startWorkerLog, type WorkerLog } from "./worker-log.ts";

const STATE = join(".wrangler", "fuzz");
/** The files of a run are kept beside the state of the next run. */
const DATA = join(STATE, "data");
const LOG = join(STATE, "worker.log");
/** How long to search for the causes of findings, ms. */
const EXPLAINING = 90_000;

await run(async () => {
  const options = readOptions(process.argv.slice(2), Date.now());
  if (!options.ok) return await giveUp(options.reason, 2);
  if (options.value.help) return console.log(USAGE);
  stopOnSignals((signal) => (signal === "SIGINT" ? 130 : 143));
  const { replay } = options.value;
  const replayed = replay === null ? null : await readRequests(resolve(replay)).catch(() => null);
  if (replay !== null && replayed === null)
    return await giveUp(`${replay} cannot be read; give a file that a failure left`, 2);
  const log = startWorkerLog();
  const passed = await fuzz(await start(log), log, options.value, replayed);
  await shutDown(passed ? 0 : 1);
});

/** The Worker, its port, the port of its debugger, and the witness pipe, which is only read. */
interface Started {
  edge: Edge;
  witness: Witness;
  port: number;
  inspector: number;
}

/** Starts the Worker on a fresh state, from a copy of the code, so that an edit does not restart it. */
async function start(log: WorkerLog): Promise<Started> {
  const port = await findPort(0);
  const inspector = await findPort(0);
  if (port === null || inspector === null) return await giveUp("no port of this machine is free");
  const code = join(ROOT, DATA, "code");
  await rm(join(ROOT, DATA), { recursive: true, force: true });
  const config = await copyCode(code, ["src", join("test", "fuzz")]);
  const envFile = join(ROOT, DATA, "variables");
  await writeFile(envFile, variables());
  const file = createWriteStream(join(ROOT, LOG));
  beforeExit(() => new Promise((done) => file.end(done)));
  const [receiver, hostile] = [await startWitness(), await startHostileReceiver()];
  beforeExit(async () => await receiver.stop());
  beforeExit(() => hostile.stop());
  console.log("Starting Tidings on this machine, with an empty database ...");
  const edge = await startEdge({
    port,
    inspector,
    state: DATA,
    entry: join(code, "test", "fuzz", "worker.ts"),
    config,
    envFile,
    vars: { FUZZ_RECEIVERS: `${new URL(receiver.url).port},${hostile.port}` },
    log: (line) => {
      file.write(`${line}\n`);
      log.take(line);
    },
  });
  if (!edge.ok) return await giveUp(edge.reason);
  if (edge.value.problems.length > 0)
    return await giveUp(`the configuration: ${edge.value.problems.join("; ")}`);
  void edge.value.ended.then(async () => await giveUp(`the Worker died; its log is in ${LOG}`));
  log.newFindings(); // wrangler's lines from the start are no findings
  return { edge: edge.value, witness: await makeWitness(edge.value, receiver), port, inspector };
}

/**
 * Sends the requests, waits until everything has come to rest, and checks the result. Returns whether all promises
 * held.
 */
async function fuzz(
  { edge, witness, port, inspector }: Started,
  log: WorkerLog,
  options: Options,
  replayed: readonly FuzzRequest[] | null,
): Promise<boolean> {
  const memory = watchMemory(`ws://127.0.0.1:${inspector}/ws`);
  const driven = await send(port, log, options, replayed);
  memory.stop();
  const wrong = [
    ...(await settle(edge, driven, log)),
    ...(await settlePipes(edge, witness, log)),
    ...judgeMemory(memory, driven),
  ];
  const healthy = await fetch(`${edge.url}/healthz`).then(
    ({ status }) => status === 200,
    () => false,
  );
  if (!healthy) wrong.push("/healthz does not answer with 200 any more");
  for (const what of log.newFindings()) driven.findings.push({ what, requests: driven.suspects });
  report(driven);
  if (driven.findings.length + wrong.length === 0) {
    console.log("Nothing broke. All of it ran on this machine; nothing was sent anywhere.");
    return true;
  }
  for (const sentence of wrong) console.log(`✗ ${sentence}`);
  await explain(driven.findings, port, log, options);
  console.log(`The seed is ${options.seed}; the Worker's log is in ${LOG}.`);
  return false;
}

async function send(
  port: number,
  log: WorkerLog,
  { seconds, requests, seed }: Options,
  replayed: readonly FuzzRequest[] | null,
): Promise<Driven> {
  const plan = replayed === null ? makePlan(seed) : (place: number): FuzzRequest => replayed[place] ?? fail();
  const most = replayed?.length ?? requests;
  const began = Date.now();
  const elapsed = (): number => (Date.now() - began) / 1000;
  const isOver = (started: number): boolean =>
    most === null ? elapsed() >= (seconds ?? 0) : started >= most;
  console.log(replayed === null ? `Sending what nobody should, seed ${seed}.\n` : "Sending it again.\n");
  const progress = startProgress("Sending");
  const driven = await drive(port, plan, log, isOver, ({ requests: done, findings }) => {
    const words = `${format(done)} requests, ${format(findings.length)} findings`;
    if (most === null)
      progress.show(Math.min(Math.floor(elapsed()), seconds ?? 0), seconds ?? 0, `seconds, ${words}`);
    else progress.show(done, most, words);
  });
  progress.end();
  return driven;
}

function fail(): never {
  throw new Error("there is no request at this place");
}

async function settle(edge: Edge, driven: Driven, log: WorkerLog): Promise<string[]> {
  const api = apiAt(edge.url, API_TOKEN);
  const progress = startProgress("Storing");
  const show = (done: number, all: number): void =>
    progress.show(done, all, "accepted deliveries worked off");
  const wrong = await waitForRest(edge, driven, log, show);
  const before = await holdAgainstCounts(api, log);
  wrong.push(...before.wrong, ...(await readAll(edge, api, API_TOKEN, before.counts, log)));
  // Replayed dead letters change no count.
  wrong.push(...(await holdAgainstCounts(api, log)).wrong, ...(await discardSome(edge, api, API_TOKEN)));
  progress.end();
  const { events, duplicates, pings, dead_letters } = before.counts;
  console.log(
    `\nStored: ${format(events)} events, ${format(duplicates)} repeats, ${format(pings)} pings, ${format(dead_letters)} dead letters.`,
  );
  return wrong;
}

async function settlePipes(edge: Edge, witness: Witness, log: WorkerLog): Promise<string[]> {
  const progress = startProgress("Passing");
  const show = (done: number, all: number): void => progress.show(done, all, "events passed on");
  const wrong = await waitForWitness(apiAt(edge.url, API_TOKEN), witness, show);
  const judged = await judgePipes(edge, witness);
  progress.end();
  const { events, requests } = witness.receiver.heard;
  console.log(
    `\nPassed on: ${format(events.size)} events in ${format(requests)} requests beside ${judged.pipes - 1} hostile pipes; ${format(log.keptIn())} calls to elsewhere were kept in.`,
  );
  return [...wrong, ...judged.wrong];
}

function judgeMemory({ samples }: MemoryWatch, { requests }: Driven): string[] {
  const growth = growthOf(samples);
  if (!growth.ok) {
    console.log(`Memory: not judged, ${growth.reason}.`);
    return [];
  }
  const [before, after] = [growth.value.before, growth.value.after].map((bytes) => (bytes / 1e6).toFixed(1));
  const words = `at its lowest ${before} MB in the second quarter of ${format(requests)} requests, ${after} MB in the last`;
  console.log(`Memory: ${words}.`);
  return grewTooMuch(growth.value) ? [`the Worker's memory grows: ${words}`] : [];
}

function report({ requests, statuses, kinds }: Driven): void {
  const list = (counts: ReadonlyMap<string, number>): string =>
    [...counts]
      .toSorted(([, a], [, b]) => b - a)
      .map(([name, n]) => `${name} ${format(n)}`)
      .join(", ");
  console.log(`Sent: ${format(requests)} requests (${list(kinds)}).\nAnswered: ${list(statuses)}.\n`);
}

/** Shows each kind of finding once, with a file that repeats it. */
async function explain(
  findings: readonly Finding[],
  port: number,
  log: WorkerLog,
  { seed }: Options,
): Promise<void> {
  const kinds = Map.groupBy(findings, ({ what }) => likeness(what));
  const deadline = Date.now() + EXPLAINING;
  for (const [number, alike] of [...kinds.values()].entries()) {
    const [first] = alike;
    if (first === undefined) continue;
    console.log(`✗ ${first.what}${alike.length > 1 ? ` (and ${alike.length - 1} more like it)` : ""}`);
    if (first.requests.length === 0) continue;
    const file = await keepFinding(await findCause(first, port, log, deadline), seed, number);
    console.log(`  again: npm run fuzz -- --replay ${file}`);
  }
}
