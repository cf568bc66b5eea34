// One page's shell: a bash that keeps its variables from block to block, as a reader's does, and reports how each step
// ended.

import { spawn, type ChildProcess } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";

/** How a step ended. `code`: its exit code, or null if it took too long. */
export interface Outcome {
  code: number | null;
  out: string;
  err: string;
}

/** A running shell. */
export interface Session {
  /** Runs one step; the first that fails ends the shell, unless it may fail. */
  run(text: string, how: { name: string; refused: number | null; mayFail: boolean }): Promise<Outcome>;
  end(): void;
}

const LONGEST = 30_000; // ms

/** Starts a shell in `folder`, with `env` for its commands. */
export async function startSession(folder: string, env: Readonly<Record<string, string>>): Promise<Session> {
  const steps = join(folder, ".steps");
  await mkdir(steps, { recursive: true });
  const shell = spawn("bash", ["--noprofile", "--norc"], {
    cwd: folder,
    env: env as NodeJS.ProcessEnv,
    detached: true,
    stdio: ["pipe", "ignore", "ignore", "pipe"],
  });
  shell.stdin?.on("error", () => undefined); // it ended meanwhile, which the step's outcome tells
  shell.stdin?.write("set -eo pipefail\n");
  const codes = readCodes(shell);
  let number = 0;
  return {
    async run(text, { name, refused, mayFail }) {
      const file = join(steps, String(++number));
      await writeFile(file, `${text}\n`);
      const step = `. '${file}' > '${file}.out' 2> '${file}.err' < /dev/null`;
      const told = mayFail ? `if ${step}; then echo 0 >&3; else echo $? >&3; fi` : `${step}; echo 0 >&3`;
      shell.stdin?.write(`export DOCS_STEP='${name}' DOCS_REFUSED='${refused ?? ""}'\n${told}\n`);
      const code = await Promise.race([codes(), elapsed()]);
      if (code === null) kill(shell);
      const [out, err] = await Promise.all(
        ["out", "err"].map(async (end) => await readFile(`${file}.${end}`, "utf8").catch(() => "")),
      );
      return { code, out: out ?? "", err: err ?? "" };
    },
    end: () => kill(shell),
  };
}

/** Resolves with the next step's exit code, or with the shell's if the shell ended instead. */
function readCodes(shell: ChildProcess): () => Promise<number> {
  const waiting: ((code: number) => void)[] = [];
  let ended: number | null = null;
  (shell.stdio[3] as Readable).setEncoding("utf8").on("data", (text: string) => {
    for (const code of text.split("\n").slice(0, -1)) waiting.shift()?.(Number(code));
  });
  shell.once("close", (code) => {
    ended = code ?? 1;
    for (const resolve of waiting.splice(0)) resolve(ended);
  });
  return async () =>
    await new Promise((resolve) => (ended === null ? waiting.push(resolve) : resolve(ended)));
}

async function elapsed(): Promise<null> {
  return await new Promise((resolve) => setTimeout(() => resolve(null), LONGEST).unref());
}

function kill({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // it has ended
  }
}
