// Reads the options of `npm start --` and `npm run demo --`. A mistake is answered with one line that names the correct
// usage.

import { parseArgs } from "node:util";
import { fail, ok, type Result } from "../lib/result.ts";

/** The port of `npm start`, and of the demo if it stays up. */
export const DEFAULT_PORT = 8787;
const DEFAULT_EVENTS = 2_000;
const FEWEST_EVENTS = 200; // with fewer, some kinds of reports would not occur
const MOST_EVENTS = 50_000;

/** The options of a script; the demo's have their defaults for `npm start`. */
export interface Options {
  help: boolean;
  /** The port to listen on; null if the option is absent. */
  port: number | null;
  /** Only the demo's: stop after the report. */
  exit: boolean;
  /** Only the demo's: the number of unique events to send. */
  events: number;
  /** Only the demo's: show every figure, not only the summary. */
  verbose: boolean;
}

/** The help text of `npm start`. */
export const START_USAGE = `npm start [-- --port N]

  Runs Tidings on this machine, with its data in .wrangler/state.
  --port N     listen there (default ${DEFAULT_PORT})`;

/** The help text of `npm run demo`. */
export const DEMO_USAGE = `npm run demo [-- --exit] [-- --port N] [-- --events N] [-- --verbose]

  Runs Tidings on this machine with a fresh state of its own, sends it two days of webhook traffic, and checks the result.
  --exit       stop after the report, instead of staying up for a look
  --port N     listen there (default ${DEFAULT_PORT}; any free one with --exit)
  --events N   unique events to send, ${FEWEST_EVENTS} to ${MOST_EVENTS} (default ${DEFAULT_EVENTS})
  --verbose    show every figure that was checked, source by source`;

const COMMON = { port: { type: "string" }, help: { type: "boolean", short: "h" } } as const;
const DEMO = {
  ...COMMON,
  exit: { type: "boolean" },
  verbose: { type: "boolean" },
  events: { type: "string" },
} as const;

/** Reads the arguments after the script's name; fails with the sentence to show if they contain a mistake. */
export function readOptions(script: "start" | "demo", args: string[]): Result<Options> {
  const parsed = parse(script, args);
  if (!parsed.ok) return parsed;
  const { port, events, exit, verbose, help } = parsed.value;
  const atPort = wholeNumber("--port", port, 1, 65_535);
  if (!atPort.ok) return atPort;
  const many = wholeNumber("--events", events, FEWEST_EVENTS, MOST_EVENTS);
  if (!many.ok) return many;
  return ok({
    help: help === true,
    port: atPort.value,
    exit: exit === true,
    verbose: verbose === true,
    events: many.value ?? DEFAULT_EVENTS,
  });
}

interface Raw {
  port?: string | undefined;
  events?: string | undefined;
  exit?: boolean | undefined;
  verbose?: boolean | undefined;
  help?: boolean | undefined;
}

function parse(script: "start" | "demo", args: string[]): Result<Raw> {
  try {
    return ok(parseArgs({ args, options: script === "demo" ? DEMO : COMMON }).values);
  } catch (error) {
    const [sentence] = (error instanceof Error ? error.message : String(error)).split(/\.(?:\s|$)|\n/);
    return fail(`${sentence?.trim()}; --help lists the options`);
  }
}

function wholeNumber(
  name: string,
  text: string | undefined,
  least: number,
  most: number,
): Result<number | null> {
  if (text === undefined) return ok(null);
  const number = Number(text);
  if (/^\d{1,9}$/.test(text) && number >= least && number <= most) return ok(number);
  return fail(`${name} must be a whole number from ${least} to ${most}, not "${text}"`);
}
