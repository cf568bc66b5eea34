// The Worker, running on this machine: database brought up to date, `wrangler dev` started and answering, and the clock
// that fires its cron trigger, which wrangler does not.

import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fail, ok, type Result } from "../lib/result.ts";
import { workerLines } from "./log-lines.ts";
import { hasEnded, runWrangler, spawnWrangler } from "./wrangler.ts";

/** Loopback only: the credentials of the local setup are known to everybody. */
const HOST = "localhost";
const LONGEST_START = 60_000; // ms
const TICK = 10_000; // ms; the cron's minute would be long to wait for

export interface EdgeOptions {
  port: number;
  /** Where the data lies, below the project; null for wrangler's own place. */
  state: string | null;
  /** The Worker's entry, in place of the one that wrangler.toml names. */
  entry?: string;
  /** The configuration, in place of the project's wrangler.toml; see copyCode. */
  config?: string;
  /** A file of variables in place of .dev.vars. */
  envFile?: string;
  /** Further variables. */
  vars?: Readonly<Record<string, string>>;
  /** Where the runtime's debugger listens; by default wrangler finds a port. */
  inspector?: number;
  /** Gets each entry of the Worker's log. */
  log(line: string): void;
}

export interface Edge {
  /** Without a slash at the end. */
  url: string;
  /** What /healthz says is wrong with the configuration. */
  problems: string[];
  /** Fires the scheduled handler, which moves the spool into the queue. */
  tick(): Promise<void>;
  /** Resolves if the Worker ends without having been asked to. */
  ended: Promise<void>;
}

/** Starts the Worker; resolves when it answers, with its reason where it does not. */
export async function startEdge(options: EdgeOptions): Promise<Result<Edge>> {
  const migrated = await runWrangler([
    "d1",
    "migrations",
    "apply",
    "tidings",
    "--local",
    ...persist(options),
  ]);
  if (!migrated.ok) {
    return fail(`the local database could not be brought up to date. wrangler says:\n${migrated.reason}`);
  }
  const args = ["dev", ...(options.entry === undefined ? [] : [options.entry])];
  args.push("--ip", HOST, "--port", String(options.port), "--show-interactive-dev-session=false");
  // Pipes may lead to this machine, in local development alone. The option takes all words until the next one.
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
    // One that fails, say while the Worker restarts after a change of its code, is made up for by the next.
    await fetch(`${url}/cdn-cgi/handler/scheduled`).then(
      async (answer) => await answer.text(),
      () => null,
    );
  };
  const clock = setInterval(() => void tick(), TICK);
  child.once("exit", () => clearInterval(clock));
  return ok({ url, problems, tick, ended });
}

/** Where the data lies, for every wrangler command that has to find it. */
export function persist({ state }: Pick<EdgeOptions, "state">): string[] {
  return state === null ? [] : ["--persist-to", state];
}

/** Waits until /healthz answers; the problems it names, or null if it never does. */
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

/** Whether the port is free; port 0 gives any free one. */
export async function findPort(port: number): Promise<number | null> {
  return await new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(null));
    server.listen({ port, host: HOST, exclusive: true }, () => {
      const address = server.address();
      const found = typeof address === "object" ? (address?.port ?? null) : null;
      server.close(() => resolve(found));
    });
  });
}

export function portInUse(script: string, port: number): string {
  return `port ${port} is in use (or not yours to use); pick another: ${script} -- --port ${port === 65_535 ? port - 1 : port + 1}`;
}
