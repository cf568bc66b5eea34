// What /healthz tells of the databases of a deployment with several: whether they are those that the configuration names.

import { within } from "../lib/deadline.ts";
import type { Problem } from "../config/report.ts";
import { mapOf } from "../store/shards/map.ts";
import { isMistaken } from "../store/shards/mistaken.ts";
import { originalOf, withOutages } from "../store/outages.ts";

/** How long to wait for the databases, and for how long what is wrong with them is reused, ms. */
const DEADLINE = 2_000;
const KNOWN_FOR = 5_000;

const known = new WeakMap<object, { problems: Problem[]; until: number }>();

/**
 * Why no database may be used; empty if they may, or do not answer. Never rejects. The first call of a deployment sets
 * several databases up.
 */
export async function examineShards(env: Env): Promise<Problem[]> {
  const before = known.get(originalOf(env));
  if (before !== undefined && before.until > Date.now()) return before.problems;
  const problems = await ask(withOutages(env));
  known.set(originalOf(env), { problems, until: Date.now() + KNOWN_FOR });
  return problems;
}

async function ask(env: Env): Promise<Problem[]> {
  try {
    await within(DEADLINE, "the databases behind STORAGE.shards", mapOf(env));
    return [];
  } catch (error) {
    if (!isMistaken(error)) return []; // told as the state of the database
    const { message } = error;
    const what = message.startsWith(SETTING)
      ? message.slice(SETTING.length)
      : ` cannot be used, because ${message}`;
    return [{ setting: SETTING, reason: `${what.trim()}. Until then events wait, and none is lost` }];
  }
}

const SETTING = "STORAGE.shards";
