// One bounded step of reading stored deliveries anew: what it would change, or has changed.

import type { Config } from "../config/config.ts";
import { storeOf } from "../store/db.ts";
import { applyDifferences } from "./apply.ts";
import type { Difference } from "./differences.ts";
import { readRange } from "./renormalise.ts";

const DAY = 86_400_000;
/** Differences that a step shows at most. */
export const MOST_SAMPLES = 20;
/** A step ends after this long, ms, though it may look at more objects. */
const STEP = 20_000;

/** What a step looks at. Times in ms; `after`: the archive object at which the step before ended; `limit`: objects. */
export interface RenormaliseRequest {
  from: number;
  to: number;
  source: string | undefined;
  after: string | null;
  limit: number;
  /** Whether to change anything. */
  apply: boolean;
}

/** What a step came to. `next`: where the next one begins, null at the end. */
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

/** Runs a step. Rejects where anything is unavailable; the same step again finds what is left. */
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
