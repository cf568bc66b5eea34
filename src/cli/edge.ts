// Runs the Worker on this machine: migrates its databases, starts `wrangler dev`, waits until it answers, and fires its
// cron trigger on a clock, which wrangler does not do.

import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";
import { fail, ok, type Result } from "../lib/result.ts";
import { localDatabases } from "./databases.ts";
import { workerLines } from "./log-lines.ts";
import { hasEnded, ROOT, runWrangler, spawnWrangler } from "./wrangler.ts";

/** Loopback only, because the credentials of the local setup are public. */
const HOST = "localhost";
const LONGEST_START = 60_000; // ms
const TICK = 10_000; // ms; the cron's interval of a minute would be a long wait

/** How to run the Worker locally. */
export interface EdgeOptions {
  port: number;
  /** The folder of the data, relative to the project; null for wrangler's own folder. */
  state: string | null;
  /** The Worker's entry file, in place of the one in wrangler.toml. */
  entry?: string;
  /** The configuration file, in place of the project's wrangler.toml; see copyCode. */
  config?: string;
  /** A file of variables in place of .dev.vars. */
  envFile?: string;
  /** Further variables. */
  vars?: Readonly<Record<string, string>>;
  /** The port of the runtime's debugger; by default wrangler picks one. */
  inspector?: number;
  /** Receives each entry of the Worker's log as one line. */
  log(line: string): void;
}

/** A running Worker. */
export interface Edge {
  /** Its base URL, without a slash at the end. */
  url: string;
  /** Problems of the configuration that /healthz reports. */
  problems: string[];
  /** Fires the scheduled handler, which moves the spool into the queue. */
  tick(): Promise<void>;
  /** Resolves when the Worker's process ends for any reason. */
  ended: Promise<void>;
}

/**
 * Migrates the local databases and starts the Worker; resolves when it answers, or fails with the reason why it does
 * not.
 */
export async function startEdge(options: EdgeOptions): Promise<Result<Edge>> {
  for (const database of await localDatabases(join(ROOT, "wrangler.toml"))) {
    const apply = ["d1", "migrations", "apply", database, "--local", ...persist(options)];
    const migrated = await runWrangler(apply);
    if (!migrated.ok)
      return fail(`the local database could not be brought up to date. wrangler says:\n${migrated.reason}`);
  }
  const args = ["dev", ...(options.entry === undefined ? [] : [options.entry])];
  args.push("--ip", HOST, "--port", String(options.port), "--show-interactive-dev-session=false");
  // Only in local development may pipes lead to this machine. The option takes all words until the next option.
  const vars = { PIPES_LOOPBACK: "yes", ...options.vars };
  args.push("--var", ...Object.entries(vars).map(([name, value]) => `${name}:${value}`));
  if (options.config !== undefined) args.push("--config", options.config);
  if (options.envFile !== undefined) args.push("--env-file", options.envFile);
  if (options.inspector !== undefined) args.push("--inspector-port", String(options.inspector));
  const child = spawnWrangler([...args, ...persist(options)], ["ignore", "pipe", "pipe"]);
  const lines: string[] = [];
  const show = (line: string): void => {
    lines.push(line);
    lines.splice(0, lines.length - 30);
    options.log(line);
  };
  child.stdout?.setEncoding("utf8").on("data", workerLines(show));
  child.stderr?.setEncoding("utf8").on("data", workerLines(show));
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const url = `http://${HOST}:${options.port}`;
  const problems = await untilHealthy(url, () => hasEnded(child));
  if (problems === null) {
    const words = lines.length > 0 ? `:\n${lines.join("\n")}` : "";
    return fail(`the Worker did not start${words}`);
  }
  const tick = async (): Promise<void> => {
    // The next tick makes up for one that fails, for example while the Worker restarts after a change of its code.
    await fetch(`${url}/cdn-cgi/handler/scheduled`).then(
      async (answer) => await answer.text(),
      () => null,
    );
  };
  const clock = setInterval(() => void tick(), TICK);
  child.once("exit", () => clearInterval(clock));
  return ok({ url, problems, tick, ended });
}

/** The options that give every wrangler command the folder of the data. */
export function persist({ state }: Pick<EdgeOptions, "state">): string[] {
  return state === null ? [] : ["--persist-to", state];
}

/** Waits until /healthz answers; returns the problems it reports, or null if it never answers. */
async function untilHealthy(url: string, isOver: () => boolean): Promise<string[] | null> {
  for (const start = Date.now(); !isOver() && Date.now() - start < LONGEST_START; await sleep(150)) {
    try {
      const answer = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(10_000) });
      const { problems } = await answer.json<{ problems: { setting: string; reason: string }[] }>();
      return problems.map(({ setting, reason }) => `${setting} ${reason}`);
    } catch {
      // not yet
    }
  }
  return null;
}

/** Returns the port if it is free, any free port for 0; null if it is in use. */
export async function findPort(port: number): Promise<number | null> {
  return await new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(null));
    server.listen({ port, host: HOST, exclusive: true }, () => {
      const address = server.address();
      const free = typeof address === "object" ? (address?.port ?? null) : null;
      server.close(() => resolve(free));
    });
  });
}

/** The error message for a port in use, with another port to try; `script` is the command to repeat. */
export function portInUse(script: string, port: number): string {
  return `port ${port} is in use (or not yours to use); pick another: ${script} -- --port ${port === 65_535 ? port - 1 : port + 1}`;
}
