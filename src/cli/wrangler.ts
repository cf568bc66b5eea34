// Running wrangler, Cloudflare's command line, out of node_modules with the Node that runs this. It is chatty, so its
// words are kept, and shown only where they explain a failure.

import { spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { fail, ok, type Result } from "../lib/result.ts";
import { beforeExit } from "./shutdown.ts";

export const ROOT = join(import.meta.dirname, "..", "..");
const WRANGLER = join(ROOT, "node_modules", "wrangler", "bin", "wrangler.js");

/** Plain text, no questions, nothing sent home: what runs here stays here. */
const ENVIRONMENT = {
  NO_COLOR: "1",
  FORCE_COLOR: "0",
  CI: "1",
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_SEND_ERROR_REPORTS: "false",
};

const GRACE = 6_000; // ms to end by itself

/** Starts wrangler as the leader of a process group, so that what it starts can be stopped with it. */
export function spawnWrangler(args: readonly string[], stdio: StdioOptions): ChildProcess {
  const child = spawn(process.execPath, [WRANGLER, ...args], {
    cwd: ROOT,
    detached: true,
    env: { ...process.env, ...ENVIRONMENT },
    stdio,
  });
  // Last resort, should this process end in a way that ran no cleanup.
  const kill = (): void => signalGroup(child, "SIGKILL");
  process.once("exit", kill);
  child.once("exit", () => process.off("exit", kill));
  beforeExit(async () => await stop(child));
  return child;
}

/** Ends the child and its whole group, by force where asking does not help. */
export async function stop(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  signalGroup(child, "SIGTERM");
  const timer = setTimeout(() => signalGroup(child, "SIGKILL"), GRACE);
  await ended;
  clearTimeout(timer);
  signalGroup(child, "SIGKILL"); // what the leader may have left behind
}

export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
}

function signalGroup({ pid }: ChildProcess, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // the group is gone, which is what was wanted
  }
}

/** Runs a command to its end; what it printed, or on failure all that it said. */
export async function runWrangler(args: readonly string[]): Promise<Result<string>> {
  const child = spawnWrangler(args, ["ignore", "pipe", "pipe"]);
  let out = "";
  let all = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    out += text;
    all += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (all += text));
  const code = await new Promise<number | null>((resolve) => {
    child.once("error", (error) => {
      all += error.message;
      resolve(1);
    });
    child.once("close", resolve);
  });
  return code === 0 ? ok(out) : fail(stripVTControlCharacters(all).trim());
}
