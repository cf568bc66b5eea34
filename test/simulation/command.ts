// `npm run simulate`: runs histories of ESPs, faults and repairs from seeds, in as many processes as there are cores,
// or all mutants, each until a seed exposes it. For a failing seed it prints how to repeat it and the smallest history
// that still fails.

import { spawn, type ChildProcess } from "node:child_process";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs, stripVTControlCharacters } from "node:util";
import { format, startProgress } from "../../src/cli/progress.ts";
import { ROOT } from "../../src/cli/wrangler.ts";
import { storage } from "../support/storage.ts";
import { MARK, type Line } from "./lines.ts";
import { MUTANTS } from "./mutants/index.ts";

const USAGE = `npm run simulate [-- --seeds N] [--from S] [--seed S] [--mutants [--only WORDS]]

  Runs histories in which ESPs, queues and bindings do what they may do, and checks that no promise is broken.
  --seeds N    how many histories (default 200)
  --from S     the first seed (default 1)
  --seed S     this one only, told step by step
  --mutants    breaks each promise on purpose, and shows the seed that notices
  --only WORDS of the mutants those alone whose name or file has these words; --seeds is how many may pass over each`;

/** Each spends almost half of its time waiting for its turn, so that two of them keep a core busy. */
const PROCESSES = Math.min(8, 2 * availableParallelism());
/** The number of seeds within which every mutant must be noticed, unless an option sets another. */
const MOST_FOR_MUTANT = 1_500;

interface Range {
  from: number;
  count: number;
  told?: boolean;
  mutant?: string;
}

const children = new Set<ChildProcess>();
process.once("exit", () => {
  for (const { pid } of children) if (pid !== undefined) endGroup(pid);
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

/** Stops the whole process group, because vitest starts processes that would outlive it. */
function endGroup(leader: number): void {
  try {
    process.kill(-leader, "SIGKILL");
  } catch {
    // the process has already ended
  }
}

/**
 * Runs the seeds of a range in one process, and passes each result to `onLine`; returns the process's output if it
 * failed otherwise.
 */
async function runRange(
  { from, count, told, mutant }: Range,
  onLine: (line: Line) => void,
): Promise<string | null> {
  const vitest = join(ROOT, "node_modules", "vitest", "vitest.mjs");
  const env = {
    ...process.env,
    SIMULATE_FROM: String(from),
    SIMULATE_COUNT: String(count),
    SIMULATE_TOLD: told === true ? "yes" : "no",
    SIMULATE_MUTANT: mutant ?? "",
    TMPDIR: storage(),
    NO_COLOR: "1",
  };
  const args = [vitest, "run", "--config", join("test", "simulation", "vitest.config.ts")];
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    detached: true,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.add(child);
  const rest: string[] = [];
  let failed = false;
  const read = async (stream: NodeJS.ReadableStream): Promise<void> => {
    for await (const raw of createInterface({ input: stream })) {
      const line = stripVTControlCharacters(raw);
      if (!line.startsWith(MARK)) {
        rest.push(line);
        continue;
      }
      const message: Line = JSON.parse(line.slice(MARK.length));
      failed ||= message.failed !== undefined;
      onLine(message);
    }
  };
  const code = new Promise<number | null>((resolve) => child.once("close", resolve));
  await Promise.all([read(child.stdout), read(child.stderr)]);
  children.delete(child);
  return (await code) === 0 || failed ? null : rest.slice(-40).join("\n");
}

async function simulateSeeds(from: number, count: number): Promise<number> {
  const progress = startProgress("Simulating");
  const began = Date.now();
  let clean = 0;
  let steps = 0;
  const failures: Line[] = [];
  const onLine = (line: Line): void => {
    if (line.failed !== undefined) failures.push(line);
    clean += line.clean === undefined ? 0 : 1;
    steps += line.steps ?? 0;
    progress.show(clean + failures.length, count, "seeds");
  };
  const share = Math.ceil(count / PROCESSES);
  const ranges = Array.from({ length: PROCESSES }, (_, i) => ({
    from: from + i * share,
    count: Math.min(share, count - i * share),
  })).filter((range) => range.count > 0);
  const broken = await Promise.all(ranges.map(async (range) => await runRange(range, onLine)));
  progress.end();
  for (const words of broken) if (words !== null) console.error(`a process ended by itself:\n${words}`);
  for (const { failed, told } of failures) {
    console.log(
      `\nseed ${failed} breaks a promise. To repeat it: npm run simulate -- --seed ${failed}\n${told}`,
    );
  }
  const minutes = ((Date.now() - began) / 60_000).toFixed(1);
  console.log(
    `${format(clean)} of ${format(count)} seeds clean, ${format(steps)} steps, ${minutes} minutes.`,
  );
  return failures.length === 0 && clean === count ? 0 : 1;
}

async function simulateMutants(only: string, most: number): Promise<number> {
  const chosen = MUTANTS.filter(({ name, file }) => `${file} ${name}`.includes(only));
  if (chosen.length === 0) console.error(`no mutant has "${only}" in its name or file`);
  const waiting = [...chosen];
  const survivors: string[] = [];
  const worker = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const { name } = mutant;
      let noticed: Line | null = null;
      const broken = await runRange({ from: 1, count: most, mutant: name }, (line) => {
        if (line.failed !== undefined) noticed = line;
      });
      const { failed, violation }: Line = noticed ?? {};
      if (failed === undefined) survivors.push(name);
      const verdict =
        failed === undefined
          ? `NOT noticed${broken === null ? "" : `\n${broken}`}`
          : `seed ${failed}: ${violation}`;
      console.log(`${name}\n    ${verdict}`);
    }
  };
  await Promise.all(Array.from({ length: PROCESSES }, worker));
  console.log(`${chosen.length - survivors.length} of ${chosen.length} mutants noticed.`);
  return survivors.length === 0 && chosen.length > 0 ? 0 : 1;
}

async function simulateOne(seed: number): Promise<number> {
  let code = 1;
  const broken = await runRange({ from: seed, count: 1, told: true }, (line) => {
    if (line.told !== undefined && line.failed === undefined) console.log(line.told);
    if (line.failed !== undefined) console.log(`\ncut down to what it needs:\n${line.told}`);
    if (line.clean !== undefined) code = 0;
  });
  if (broken !== null) console.error(broken);
  return code;
}

/** A whole number of at least 1. */
function number(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  console.error(`--${name} must be a whole number from 1, not "${text}"\n\n${USAGE}`);
  process.exit(2);
}

function read(): { [name in "seeds" | "from" | "seed" | "only"]?: string } & {
  mutants?: boolean;
  help?: boolean;
} {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  try {
    return parseArgs({
      options: { seeds: text, from: text, seed: text, only: text, mutants: flag, help: flag },
    }).values;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    process.exit(2);
  }
}

const options = read();
if (options.help === true) console.log(USAGE);
else if (options.mutants === true)
  process.exitCode = await simulateMutants(
    options.only ?? "",
    number("seeds", options.seeds, MOST_FOR_MUTANT),
  );
else if (options.seed !== undefined) process.exitCode = await simulateOne(number("seed", options.seed, 1));
else
  process.exitCode = await simulateSeeds(
    number("from", options.from, 1),
    number("seeds", options.seeds, 200),
  );
