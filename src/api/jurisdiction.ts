// What /healthz tells of STORAGE.jurisdiction: as much as a Worker can find out. An object's id names its jurisdiction, and
// the database names the region that it answered from, which can refute the setting but not prove it. Where the bucket
// and the queues lie, no binding tells.

import type { Problem } from "../config/report.ts";
import { configOf } from "../config/config.ts";
import { differenceOf, objectsLieIn } from "../config/objects.ts";
import { within } from "../lib/deadline.ts";
import { isOutside } from "../model/jurisdiction.ts";
import { storeOf } from "../store/db.ts";
import { readNotedJurisdiction, type NotedJurisdiction } from "../store/jurisdiction.ts";
import { originalOf, withOutages } from "../store/outages.ts";

/** How long to wait for the database, and for how long its answer is reused, ms. */
const DEADLINE = 2_000;
const KNOWN_FOR = 5_000;

/** What is shown of the jurisdiction. */
export interface ShownJurisdiction {
  /** The setting. */
  set: string;
  /** The jurisdiction of the objects' ids; "none" where the runtime knows no jurisdictions; null if ids do not tell. */
  objects: string | null;
  /** The region of the database; null if it does not say. */
  database_region: string | null;
}

/** The jurisdiction as /healthz shows it, null if none is set, and what contradicts it. */
export interface JurisdictionHealth {
  shown: ShownJurisdiction | null;
  problems: Problem[];
}

const known = new WeakMap<object, { noted: NotedJurisdiction | null; until: number }>();

/** Compares the setting with what can be found out. Never rejects: what does not answer is not told. */
export async function examineJurisdiction(env: Env): Promise<JurisdictionHealth> {
  const { jurisdiction } = configOf(env);
  if (jurisdiction === "unknown") return { shown: null, problems: [] }; // a problem of the configuration already
  const answer = await notedBy(env);
  const { noted, region } = answer ?? { noted: null, region: null };
  const problems: Problem[] = [];
  const report = (reason: string) => problems.push({ setting: "STORAGE.jurisdiction", reason });
  if (noted !== null && noted !== jurisdiction)
    report(`${differenceOf(jurisdiction, noted)}, so none is reached and events wait: put it back`);
  if (jurisdiction === "none") return { shown: null, problems };
  const objects = objectsLieIn(env);
  // The local runtime knows no jurisdictions. Its database has no region, so this is another one.
  if (region !== null && objects !== undefined && objects !== jurisdiction)
    report(`is ${jurisdiction}, but objects are made with ${objects}`);
  if (region !== null && isOutside(jurisdiction, region))
    report(`is ${jurisdiction}, but the database answers from ${region}: it was created without it`);
  return {
    shown: { set: jurisdiction, objects: objects ?? null, database_region: region },
    problems,
  };
}

/** What the database tells; null if it does not answer or lacks the table, which /healthz reports elsewhere. */
async function notedBy(env: Env): Promise<NotedJurisdiction | null> {
  const before = known.get(originalOf(env));
  if (before !== undefined && before.until > Date.now()) return before.noted;
  const question = readNotedJurisdiction(storeOf(withOutages(env)));
  const noted = await within(DEADLINE, "the database", question).catch(() => null);
  known.set(originalOf(env), { noted, until: Date.now() + KNOWN_FOR });
  return noted;
}
