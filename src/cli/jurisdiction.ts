// STORAGE.jurisdiction in a deployment. The Worker sees to its objects by itself (src/config/objects.ts). The bucket needs
// the setting in its binding, and a database can be given it only when it is created, which `wrangler deploy` does
// without: so the deployment creates the database itself, and refuses what would bring data elsewhere.

import { readJurisdiction } from "../config/jurisdiction.ts";
import { fail, ok, type Result } from "../lib/result.ts";
import { isOutside, type Jurisdiction } from "../model/jurisdiction.ts";
import type { Configuration } from "./beside.ts";

/**
 * The jurisdiction that a configuration asks for; null if none. Fails with the sentence to show if it asks for an
 * unknown one, or if a bucket is bound without it.
 */
export function jurisdictionIn({ vars, r2_buckets }: Configuration): Result<Jurisdiction | null> {
  const storage = tableOf(vars?.["STORAGE"] ?? {});
  if (storage === null) return fail("[vars.STORAGE] must be a table");
  const mistakes: string[] = [];
  const jurisdiction = readJurisdiction(storage, (setting, reason) => mistakes.push(`${setting} ${reason}`));
  if (jurisdiction === "unknown")
    return fail(mistakes[0] ?? "[vars.STORAGE] has a misspelt setting; did you mean jurisdiction?");
  if (jurisdiction === "none") return ok(null);
  const bucket = r2_buckets?.find((one) => one.jurisdiction !== jurisdiction);
  if (bucket === undefined) return ok(jurisdiction);
  return fail(
    `put jurisdiction = "${jurisdiction}" below [[r2_buckets]], too: the bucket ${bucket.bucket_name ?? ""} would lie ` +
      "elsewhere than STORAGE.jurisdiction says",
  );
}

/**
 * Whether an existing database lies where it must; else a sentence that says why the deployment cannot go on. Null if it
 * does. `info`: what `wrangler d1 info --json` printed; `warn`: gets what cannot be told.
 */
export function contradictionOf(
  database: string,
  jurisdiction: Jurisdiction | null,
  info: string,
  warn: (text: string) => void,
): string | null {
  const told = parsed(info) ?? {};
  const [its, region] = [told["jurisdiction"], told["running_in_region"] ?? told["created_in_region"]];
  if (jurisdiction === null) {
    if (typeof its === "string" && its !== "")
      warn(`the database ${database} lies in the jurisdiction ${its}, and STORAGE.jurisdiction is not set`);
    return null;
  }
  if (its === jurisdiction) return null;
  const way = "a database keeps its jurisdiction for ever, so deploy under another name: src/docs/privacy.md";
  if (its !== undefined)
    return `the database ${database} was created with ${described(its)}, not in ${jurisdiction}; ${way}`;
  if (typeof region === "string" && isOutside(jurisdiction, region))
    return `the database ${database} lies in the region ${region}, not in ${jurisdiction}; ${way}`;
  warn(`Cloudflare does not say whether the database ${database} was created in ${jurisdiction}`);
  return null;
}

const described = (its: unknown): string =>
  typeof its === "string" && its !== "" ? `the jurisdiction ${its}` : "no jurisdiction";

/** A table of wrangler.toml, or the text of a JSON object; null if it is neither. */
function tableOf(value: unknown): Record<string, unknown> | null {
  const table = typeof value === "string" ? parsed(value) : value;
  return typeof table === "object" && table !== null && !Array.isArray(table) ? { ...table } : null;
}

/** The JSON object in a text, which may have lines before it; null if there is none. */
function parsed(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text.slice(Math.max(0, text.indexOf("{"))));
    return typeof value === "object" && value !== null ? { ...value } : null;
  } catch {
    return null;
  }
}
