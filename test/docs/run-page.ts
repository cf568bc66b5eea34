// Runs one page, block after block, in one shell, against the running Worker. A difference is reported with everything
// that is needed to see its cause.

import { existsSync } from "node:fs";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT } from "../../src/cli/wrangler.ts";
import type { Page } from "../../src/docs/site/page.ts";
import { compareAnswer, parse } from "./answers.ts";
import { blocksOf, type Run } from "./blocks.ts";
import { commandProblem } from "./help.ts";
import { splitLast } from "./last-command.ts";
import { startSession, type Outcome, type Session } from "./session.ts";
import { isForeign, readNotes, writeStandIns, type Noted } from "./stand-ins.ts";

/** The number of checks done, and the problems found. */
export interface Report {
  blocks: number;
  requests: number;
  answers: number;
  checked: number;
  foreign: number;
  problems: string[];
}

/** Where a page is run. */
export interface Place {
  /** The Worker's URL, without a slash at the end. */
  url: string;
  /** A folder for this page alone; inside the project's folder, so that the page's scripts find the packages. */
  folder: string;
}

/** The Worker's address as it is written in the pages. */
const SHOWN = "localhost:8787";
/** How long to wait for the right answer, ms: storing takes three seconds, by the backup URL ten more. */
const PATIENCE = 15_000;
/** The files that a reader has in the project's folder. */
const AT_HAND = [".dev.vars.example", "wrangler.toml", "package.json"];

/** Runs a page. */
export async function runPage({ file }: Page, { url, folder }: Place): Promise<Report> {
  const { runs, examples, problems } = blocksOf(await readFile(join(ROOT, file), "utf8"));
  const report: Report = { blocks: 0, requests: 0, answers: 0, checked: 0, foreign: 0, problems: [] };
  for (const { line, problem } of problems) report.problems.push(`${file}:${line}: ${problem}`);
  for (const { line, text } of examples)
    if (parse(text.replaceAll(/,?\s*…/g, "")) === undefined)
      report.problems.push(`${file}:${line}: this is not JSON`);
  if (runs.length === 0) return report;
  const [commands, notes, counts] = await prepare(folder);
  const session = await startSession(folder, environment(commands, notes, counts));
  try {
    for (const run of runs) {
      const problem = await runBlock(session, run, { url, folder, counts });
      report.blocks += 1;
      if (problem === null && run.answer !== null) report.answers += 1;
      if (problem === null) continue;
      report.problems.push(`${file}:${run.line}: ${problem}`);
      break; // what follows goes on from what this one should have done
    }
  } finally {
    session.end();
  }
  report.requests = await countOf(counts, "requests");
  await check(await readNotes(notes), file, report);
  return report;
}

async function prepare(folder: string): Promise<[commands: string, notes: string, counts: string]> {
  const [commands, notes, counts] = [
    join(folder, ".commands"),
    join(folder, ".notes"),
    join(folder, ".counts"),
  ];
  for (const one of [notes, counts]) await mkdir(one, { recursive: true });
  await writeStandIns(commands);
  for (const name of AT_HAND) await copyFile(join(ROOT, name), join(folder, name));
  return [commands, notes, counts];
}

function environment(commands: string, notes: string, counts: string): Record<string, string> {
  const path = process.env["PATH"] ?? "";
  return {
    PATH: [commands, dirname(process.execPath), path].join(":"),
    HOME: dirname(commands),
    LANG: "C.UTF-8",
    NO_PROXY: "*",
    DOCS_CURL: curlPath(),
    DOCS_NOTES: notes,
    DOCS_COUNTS: counts,
  };
}

/** The real command, past the stand-in that comes first in the PATH. */
function curlPath(): string {
  const folders = (process.env["PATH"] ?? "").split(":");
  return folders.map((folder) => join(folder, "curl")).find(existsSync) ?? "/usr/bin/curl";
}

/** Runs a block until its answer is there; returns the problem, or null. */
async function runBlock(
  session: Session,
  run: Run,
  { url, folder, counts }: Place & { counts: string },
): Promise<string | null> {
  const here = new URL(url).host;
  const localise = (text: string): string => text.replaceAll(SHOWN, here);
  const refusedBefore = await countOf(counts, "refused");
  const how = { name: String(run.line), refused: run.refused, mayFail: false };
  const text = run.kind === "js" ? await scriptStep(folder, run, localise) : localise(run.text);
  const { before, last } = run.answer === null ? { before: text, last: "" } : splitLast(text);
  if (before !== "") {
    const outcome = await session.run(before, how);
    if (outcome.code !== 0) return failure(before, outcome, saidOf(outcome));
  }
  if (run.answer !== null) {
    const [outcome, difference] = await untilItIs(run.answer.text, async () => {
      const now = await session.run(last, { ...how, mayFail: true });
      return { ...now, out: now.out.replaceAll(here, SHOWN) };
    });
    if (difference !== null) return failure(last, outcome, difference);
  }
  const isRefused = run.refused === null || (await countOf(counts, "refused")) > refusedBefore;
  return isRefused ? null : `nothing was refused with ${run.refused}\n${indent(run.text)}`;
}

/** Repeats a command until its answer matches; returns the last outcome, and the difference if one is left. */
async function untilItIs(
  shown: string,
  command: () => Promise<Outcome>,
): Promise<[Outcome, difference: string | null]> {
  const start = Date.now();
  for (;;) {
    const outcome = await command();
    const difference = outcome.code === 0 ? compareAnswer(shown, outcome.out) : saidOf(outcome);
    if (difference === null || outcome.code === null || Date.now() - start > PATIENCE)
      return [outcome, difference];
    await sleep(400);
  }
}

/** Writes a script into a file of its own and returns it as a step of the shell. */
async function scriptStep(folder: string, run: Run, localise: (text: string) => string): Promise<string> {
  const script = join(folder, `block-${run.line}.mjs`);
  await writeFile(script, localise(run.text));
  return `node '${script}'`;
}

const saidOf = ({ code }: Outcome): string =>
  code === null ? "it did not end within 30 seconds" : `it ended with exit code ${code}`;

function failure(text: string, { out, err }: Outcome, difference: string): string {
  const said = [out, err].filter((one) => one.trim() !== "").map((one) => indent(one.slice(0, 4_000)));
  return [difference, indent(text), ...(said.length === 0 ? [] : ["  It said:", ...said])].join("\n");
}

const indent = (text: string): string => text.trimEnd().replaceAll(/^/gm, "    ");

/** Each time something happens, one byte is added to its file. */
async function countOf(counts: string, what: string): Promise<number> {
  return (await readFile(join(counts, what)).catch(() => "")).length;
}

/** Checks the commands that were not run. */
async function check(notes: readonly Noted[], file: string, report: Report): Promise<void> {
  for (const note of notes) {
    if (isForeign(note)) {
      report.foreign += 1;
      continue;
    }
    report.checked += 1;
    const problem = await commandProblem(note.words);
    if (problem !== null)
      report.problems.push(`${file}:${note.step}: ${problem}\n${indent(note.words.join(" "))}`);
  }
}
