// Runs wrangler, Cloudflare's command line, from node_modules with the Node that runs this. It prints a lot, so its
// output is collected, and shown only if it explains a failure.

import { spawn, spawnSync, type ChildProcess, type StdioOptions } from "node:child_process";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { fail, ok, type Result } from "../lib/result.ts";
import { beforeExit } from "./shutdown.ts";

/** The project's folder. */
export const ROOT = join(import.meta.dirname, "..", "..");
const WRANGLER = join(ROOT, "node_modules", "wrangler", "bin", "wrangler.js");

/** Plain text, no questions, and no reports to Cloudflare: local runs stay on this machine. */
const ENVIRONMENT = {
  NO_COLOR: "1",
  FORCE_COLOR: "0",
  CI: "1",
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_SEND_ERROR_REPORTS: "false",
  // A local run would keep a trace of every request, with its credentials and addresses, in files of up to 100 MB.
  X_LOCAL_OBSERVABILITY: "false",
};

const GRACE = 6_000; // ms for the child to end by itself

/**
 * Starts wrangler as the leader of a process group, so that its own children can be stopped with it. It is stopped
 * before this process ends.
 */
export function spawnWrangler(args: readonly string[], stdio: StdioOptions): ChildProcess {
  const child = spawn(process.execPath, [WRANGLER, ...args], {
    cwd: ROOT,
    detached: true,
    env: { ...process.env, ...ENVIRONMENT },
    stdio,
  });
  // The last resort if this process ends without running the clean-ups.
  const kill = (): void => signalGroup(child, "SIGKILL");
  process.once("exit", kill);
  child.once("exit", () => process.off("exit", kill));
  beforeExit(async () => await stop(child));
  return child;
}

/** Ends the child and its whole group, by force if it does not end by itself in time. */
export async function stop(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  signalGroup(child, "SIGTERM");
  const timer = setTimeout(() => signalGroup(child, "SIGKILL"), GRACE);
  await ended;
  clearTimeout(timer);
  signalGroup(child, "SIGKILL"); // processes that the leader may have left behind
}

/** Whether the child has ended, or never started. */
export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
}

/**
 * Signals the child and its own children. Windows has no process groups, and a negative id is no process there
 * (https://github.com/nodejs/node/issues/3617): its own `taskkill /T` ends the whole tree, and only by force, because
 * a program without a window does not hear of a milder request. Where neither is at hand, the child alone is signalled;
 * wrangler stops its runtime when it is asked to end.
 */
function signalGroup(child: ChildProcess, signal: "SIGTERM" | "SIGKILL"): void {
  const { pid } = child;
  if (pid === undefined) return;
  if (process.platform === "win32") {
    const ended = spawnSync("taskkill", ["/pid", String(pid), "/T", "/F"], {
      stdio: "ignore",
      windowsHide: true,
    });
    if (ended.status === 0) return;
  } else {
    try {
      process.kill(-pid, signal);
      return;
    } catch {
      // the group is gone already, as intended, or there are no groups
    }
  }
  if (!hasEnded(child)) child.kill(signal);
}

/** Runs a command to its end; returns its standard output, or fails with all of its output. */
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
