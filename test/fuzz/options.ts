// The command-line options of `npm run fuzz --`.

import { parseArgs } from "node:util";
import { fail, ok, type Result } from "../../src/lib/result.ts";

/** The options of a run. */
export interface Options {
  help: boolean;
  /** How long to send, s; null if a number of requests is given. */
  seconds: number | null;
  requests: number | null;
  seed: number;
  /** A failure's file; its requests are sent again instead. */
  replay: string | null;
}

const DEFAULT_SECONDS = 60;
const MOST_SECONDS = 86_400;
const MOST_REQUESTS = 10_000_000;

export const USAGE = `npm run fuzz [-- --seconds N | --requests N] [--seed S]
npm run fuzz -- --replay FILE

  Runs Tidings on this machine with a fresh state of its own, sends it what no sender should, and checks that it bears it.
  --seconds N    send for so long (default ${DEFAULT_SECONDS})
  --requests N   send so many
  --seed S       a whole number; the same seed sends the same (default: another one each time, which is shown)
  --replay FILE  send what a failure left under .wrangler/fuzz/failures, and check that`;

const OPTIONS = {
  seconds: { type: "string" },
  requests: { type: "string" },
  seed: { type: "string" },
  replay: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

/** Reads the arguments; returns a mistake as the sentence to print. `now`: ms, the default seed. */
export function readOptions(args: string[], now: number): Result<Options> {
  try {
    const { seconds, requests, seed, replay, help } = parseArgs({ args, options: OPTIONS }).values;
    if (seconds !== undefined && requests !== undefined)
      return fail("give --seconds or --requests, not both");
    const many = wholeNumber("--requests", requests, MOST_REQUESTS);
    if (!many.ok) return many;
    const long = wholeNumber("--seconds", seconds, MOST_SECONDS);
    if (!long.ok) return long;
    const drawn = wholeNumber("--seed", seed, 2 ** 32 - 1);
    if (!drawn.ok) return drawn;
    return ok({
      help: help === true,
      seconds: many.value === null ? (long.value ?? DEFAULT_SECONDS) : null,
      requests: many.value,
      seed: drawn.value ?? now % 2 ** 32,
      replay: replay ?? null,
    });
  } catch (error) {
    const [sentence] = (error instanceof Error ? error.message : String(error)).split(/\.(?:\s|$)|\n/);
    return fail(`${sentence?.trim()}; --help lists the options`);
  }
}

function wholeNumber(name: string, text: string | undefined, most: number): Result<number | null> {
  if (text === undefined) return ok(null);
  if (/^\d{1,10}$/.test(text) && Number(text) >= 1 && Number(text) <= most) return ok(Number(text));
  return fail(`${name} must be a whole number from 1 to ${most}, not "${text}"`);
}
