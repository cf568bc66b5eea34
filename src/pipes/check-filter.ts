// Checks a filter that a person passes, with the sources that this Tidings has: a name that is none of them is a mistake
// as much as a type that does not exist.

import { configOf } from "../config/config.ts";
import { fail, ok, type Result } from "../lib/result.ts";
import { storeOf } from "../store/db.ts";
import { listSources } from "../store/events/sources.ts";
import type { PipeFailure } from "./failure.ts";
import { compileFilter, type Filter } from "./filter/filter.ts";
import { filterWords } from "./filter/words.ts";

/** The filter, compiled; null stays null. A source counts if it is configured or has sent something. */
export async function checkFilter(
  env: Env,
  text: string | null,
): Promise<Result<Filter | null, PipeFailure>> {
  if (text === null) return ok(null);
  const known = compileFilter(text, filterWords(null));
  if (!known.ok) return fail({ code: "wrong_filter", reason: known.reason });
  if (!known.value.names.includes("source")) return known;
  const seen = (await listSources(storeOf(env))).map(({ source }) => source);
  const sources = [...new Set([...configOf(env).sources.keys(), ...seen])];
  const checked = compileFilter(text, filterWords(sources));
  return checked.ok ? checked : fail({ code: "wrong_filter", reason: checked.reason });
}
