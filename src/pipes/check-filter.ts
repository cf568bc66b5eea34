// Checks a filter that a person passes, with the sources and providers that this Tidings has: a name that is none of them
// is a mistake as much as a type that does not exist.

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
  if (!known.value.names.some((name) => name === "source" || name === "provider")) return known;
  const seen = (await listSources(storeOf(env))).map(({ source, provider }) => ({ name: source, provider }));
  const configured = [...configOf(env).sources.values()].map(({ name, provider }) => {
    return { name, provider: provider?.id ?? "" };
  });
  const all = [...configured, ...seen];
  const sources = [...new Set(all.map(({ name }) => name))];
  const providers = [...new Set(all.map(({ provider }) => provider))];
  const checked = compileFilter(text, filterWords({ sources, providers }));
  return checked.ok ? checked : fail({ code: "wrong_filter", reason: checked.reason });
}
