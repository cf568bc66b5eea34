// One bounded step of renormalising history. It reports the differences and, if asked to, applies them.

import type { Config } from "../config/config.ts";
import { storeOf } from "../store/db.ts";
import { applyDifferences } from "./apply.ts";
import type { Difference } from "./differences.ts";
import { readRange } from "./renormalise.ts";
import { DAY } from "../lib/time.ts";

/** How many differences a step returns as samples at most. */
export const MOST_SAMPLES = 20;
/** A step ends after this time, ms, even if it has not read as many objects as it may. */
const STEP = 20_000;

/**
 * The range of a step: `from` and `to` in ms since the epoch; `source`: undefined for all; `after`: the archive object
 * at which the previous step ended, null for the first; `limit`: how many objects it reads at most.
 */
export interface RenormaliseRequest {
  from: number;
  to: number;
  source: string | undefined;
  after: string | null;
  limit: number;
  /** Whether to apply the differences. */
  apply: boolean;
}

/** The result of a step: counts and samples. `next`: the `after` of the next step, null at the end. */
export interface RenormaliseStep {
  objects: number;
  deliveries: number;
  events: number;
  rejects: number;
  changed: number;
  appeared: number;
  vanished: number;
  samples: Difference[];
  next: string | null;
}

/** Runs a step. Rejects if a service is unavailable. The same step again then finds the remaining differences. */
export async function renormalise(
  env: Env,
  config: Config,
  { apply, after, limit, ...range }: RenormaliseRequest,
): Promise<RenormaliseStep> {
  const until = Date.now() + STEP;
  const { eventsDays } = config.retention;
  const endedUntil = eventsDays === null ? -Infinity : Date.now() - eventsDays * DAY;
  const counts = { objects: 0, deliveries: 0, events: 0, rejects: 0, changed: 0, appeared: 0, vanished: 0 };
  const samples: Difference[] = [];
  let last: string | null = null;
  let late = false;
  const bindings = { db: storeOf(env), BUCKET: env.BUCKET };
  for await (const reading of readRange(bindings, config, { ...range, after, endedUntil }, limit)) {
    counts.objects += 1;
    counts.deliveries += reading.deliveries;
    counts.events += reading.events;
    counts.rejects += reading.rejects;
    for (const difference of reading.differences) counts[difference.kind] += 1;
    samples.push(...reading.differences.slice(0, MOST_SAMPLES - samples.length));
    if (apply) await applyDifferences(env, reading);
    last = reading.batch;
    late = Date.now() > until;
    if (late) break;
  }
  return { ...counts, samples, next: late || counts.objects === limit ? last : null };
}
