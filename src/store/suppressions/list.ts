// The list of suppressions, page by page in order of time. A cursor names the row at which a page ended, not a number
// of rows, so suppressions that arrive meanwhile neither shift nor repeat any row.

import type { Suppression } from "../../model/suppression/fold.ts";
import type { SuppressionReason } from "../../model/suppression/policy.ts";
import type { Db } from "../db.ts";
import { isAtDomain } from "../prefix-range.ts";
import { isCut, MOST_BYTES, type SizedRow } from "../within-bytes.ts";

/** A suppression as listed, with its contact and the contact's destination. */
export interface ListedSuppression extends Suppression {
  contact: string;
  destination: string;
}

/** Which suppressions to list. A list of values means any of them. The times are those of the evidence. */
export interface SuppressionFilter {
  reason?: readonly SuppressionReason[] | undefined;
  source?: readonly string[] | undefined;
  /** '' for suppressions of all mail */
  scope?: readonly string[] | undefined;
  destination?: readonly string[] | undefined;
  /** Domains: their own suppressions and those of their addresses. */
  domain?: readonly string[] | undefined;
  /** The id of an import: what it entered. */
  import?: string | undefined;
  /** ms, inclusive */
  since?: number | undefined;
  /** ms, exclusive */
  until?: number | undefined;
  /** in_force: neither lifted nor held nor at its end. held: held now, not lifted. all: those and the ended ones. */
  state: "in_force" | "held" | "all";
  /** ms; decides what is at its end */
  now: number;
}

/** The last row of a page, by the columns of the order. */
export type SuppressionCursor = [at: number, contact: string, reason: string, scope: string, event: string];

const ORDER = "at, contact, reason, scope, event";
const STATES = {
  in_force: "lifted_at IS NULL AND held IS NULL",
  held: "lifted_at IS NULL AND held IS NOT NULL",
  all: "true",
} as const;

/** SQL for about how many bytes a row takes. */
const SIZE = `300 + ${["contact", "scope", "note", "lift_note", "held"]
  .map((column) => `coalesce(octet_length(${column}), 0)`)
  .join(" + ")}`;

/** Most rows that one page reads if a filter excludes many of them. A page may then be shorter than `limit`. */
const MOST_SCANNED = 20_000;

/** A page of the list, behind the row `after`. `next`: null at the end. */
export async function listSuppressions(
  db: Db,
  filter: SuppressionFilter,
  after: SuppressionCursor | undefined,
  limit: number,
): Promise<{ items: ListedSuppression[]; next: SuppressionCursor | null }> {
  const { state, since = 0, until = Number.MAX_SAFE_INTEGER } = filter;
  const begin: SuppressionCursor = after !== undefined && after[0] >= since ? after : [since, "", "", "", ""];
  // Held suppressions have an index of their own, because they are rare among many.
  const index = state === "held" ? "suppressions_held WHERE held IS NOT NULL AND" : "suppressions_at WHERE";
  const window = `FROM suppressions INDEXED BY ${index} (${ORDER}) > (?1, ?2, ?3, ?4, ?5) AND at < ?6 ORDER BY ${ORDER}`;
  const { clause, values } = conditions(filter, 8);
  const most = values.length > 0 ? MOST_SCANNED : 3 * limit + 100;
  const rows = db
    .prepare(
      `SELECT * FROM (
         SELECT *, sum(size) OVER (ORDER BY ${ORDER} ROWS UNBOUNDED PRECEDING) - size AS before FROM (
           SELECT *, ${SIZE} AS size FROM (SELECT * ${window} LIMIT ${most})
           WHERE ${clause} ORDER BY ${ORDER} LIMIT ?7))
       WHERE before < ${MOST_BYTES} ORDER BY ${ORDER}`,
    )
    .bind(...begin, until, limit + 1, ...values);
  const edge = db.prepare(`SELECT ${ORDER} ${window} LIMIT 1 OFFSET ${most - 1}`).bind(...begin, until);
  const [found, edges] = await db.batch([rows, edge]);
  const all = (found?.results ?? []) as (ListedSuppression & SizedRow)[];
  const items = all.slice(0, limit);
  const end =
    all.length > limit || isCut(all)
      ? items.at(-1)
      : (edges?.results as ListedSuppression[] | undefined)?.[0];
  return { items, next: end === undefined ? null : placeOf(end) };
}

/** A row's place in the list. */
export function placeOf(
  row: Pick<ListedSuppression, "at" | "contact" | "reason" | "scope" | "event">,
): SuppressionCursor {
  return [row.at, row.contact, row.reason, row.scope, row.event];
}

/** The filter's conditions, except those on the times, as SQL. Their values are bound from ?`first` on. */
function conditions(filter: SuppressionFilter, first: number): { clause: string; values: string[] } {
  const values: string[] = [];
  let clause: string = STATES[filter.state];
  if (filter.state === "in_force") clause += ` AND (expires_at IS NULL OR expires_at > ${filter.now})`;
  for (const [name, condition] of CONDITIONS) {
    const value = filter[name];
    if (value === undefined) continue;
    clause += ` AND ${condition(`?${values.length + first}`)}`;
    values.push(typeof value === "string" ? value : JSON.stringify(value));
  }
  return { clause, values };
}

const isAnyOf =
  (column: string) =>
  (values: string): string =>
    `${column} IN (SELECT value FROM json_each(${values}))`;
const CONDITIONS = [
  ["reason", isAnyOf("reason")],
  ["source", isAnyOf("source")],
  ["scope", isAnyOf("scope")],
  ["destination", isAnyOf("destination")],
  ["domain", (values: string) => isAtDomain("contact", values)],
  ["import", (value: string) => `event >= ${value} || '.' AND event < ${value} || '/'`],
] as const;

/** Most rows that a count reads. */
const MOST_COUNTED = 500_000;

/**
 * How many contacts have suppressions that pass the filter, and the first of them by the time of their `first` one, at most
 * `most`. `more`: whether there are so many suppressions that only the first half million were looked at.
 */
export async function countSuppressed(
  db: Db,
  filter: SuppressionFilter,
  most: number,
): Promise<{ count: number; contacts: { contact: string; first: number }[]; more: boolean }> {
  const { state, since = 0, until = Number.MAX_SAFE_INTEGER } = filter;
  const { clause, values } = conditions(filter, 3);
  const index = state === "held" ? "suppressions_held WHERE held IS NOT NULL AND" : "suppressions_at WHERE";
  const window = `SELECT * FROM suppressions INDEXED BY ${index} at >= ?1 AND at < ?2 ORDER BY ${ORDER} LIMIT ${MOST_COUNTED}`;
  const found = `SELECT contact, min(at) AS first FROM (${window})
    WHERE ${clause} GROUP BY contact`;
  const bound = [since, until, ...values];
  const [counted, listed, scanned] = await db.batch<{ n: number; contact: string; first: number }>([
    db.prepare(`SELECT count(*) AS n FROM (${found})`).bind(...bound),
    db.prepare(`${found} ORDER BY first, contact LIMIT ${most}`).bind(...bound),
    db.prepare(`SELECT count(*) AS n FROM (${window})`).bind(since, until),
  ]);
  return {
    count: counted?.results[0]?.n ?? 0,
    contacts: listed?.results ?? [],
    more: (scanned?.results[0]?.n ?? 0) >= MOST_COUNTED,
  };
}
