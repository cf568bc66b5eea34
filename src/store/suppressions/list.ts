// The list of suppressions, page by page in order of time. A page ends at a row and not at a number of rows, so that what
// comes in meanwhile neither shifts nor repeats anything.

import type { Suppression } from "../../model/suppression/fold.ts";
import type { SuppressionReason } from "../../model/suppression/policy.ts";
import type { Db } from "../db.ts";

export interface ListedSuppression extends Suppression {
  contact: string;
  destination: string;
}

export interface SuppressionFilter {
  reason?: SuppressionReason | undefined;
  source?: string | undefined;
  /** '' for those that hold for all mail */
  scope?: string | undefined;
  destination?: string | undefined;
  /** ms, inclusive */
  since?: number | undefined;
  /** ms, exclusive */
  until?: number | undefined;
  /** in force: neither lifted nor held. held: held back now. all: whatever there ever was. */
  state: "in_force" | "held" | "all";
}

/** The row that a page ended with: the order's columns. */
export type SuppressionCursor = [at: number, contact: string, reason: string, scope: string, event: string];

const ORDER = "at, contact, reason, scope, event";
const STATES = {
  in_force: "lifted_at IS NULL AND held IS NULL",
  held: "lifted_at IS NULL AND held IS NOT NULL",
  all: "true",
} as const;

/** Rows that one page looks at when a filter leaves most of them out: a page may then be short of `limit`. */
const MOST_SCANNED = 20_000;

/** A page of the list, behind the place `after`; `next` is null at the end. */
export async function listSuppressions(
  db: Db,
  filter: SuppressionFilter,
  after: SuppressionCursor | undefined,
  limit: number,
): Promise<{ items: ListedSuppression[]; next: SuppressionCursor | null }> {
  const { state, since = 0, until = Number.MAX_SAFE_INTEGER } = filter;
  const begin: SuppressionCursor = after !== undefined && after[0] >= since ? after : [since, "", "", "", ""];
  // What is held has an index of its own, as it is rare among many.
  const index = state === "held" ? "suppressions_held WHERE held IS NOT NULL AND" : "suppressions_at WHERE";
  const window = `FROM suppressions INDEXED BY ${index} (${ORDER}) > (?1, ?2, ?3, ?4, ?5) AND at < ?6 ORDER BY ${ORDER}`;
  const { clause, values } = conditions(filter);
  const most = values.length > 0 ? MOST_SCANNED : 3 * limit + 100;
  const rows = db
    .prepare(
      `SELECT * FROM (SELECT * ${window} LIMIT ${most}) WHERE ${STATES[state]} ${clause} ORDER BY ${ORDER} LIMIT ?7`,
    )
    .bind(...begin, until, limit + 1, ...values);
  const edge = db.prepare(`SELECT ${ORDER} ${window} LIMIT 1 OFFSET ${most - 1}`).bind(...begin, until);
  const [found, edges] = await db.batch([rows, edge]);
  const all = (found?.results ?? []) as ListedSuppression[];
  const items = all.slice(0, limit);
  if (all.length > limit) return { items, next: placeOf(items.at(-1)) };
  return { items, next: placeOf((edges?.results as ListedSuppression[] | undefined)?.[0]) };
}

function placeOf(
  row: Pick<ListedSuppression, "at" | "contact" | "reason" | "scope" | "event"> | undefined,
): SuppressionCursor | null {
  return row === undefined ? null : [row.at, row.contact, row.reason, row.scope, row.event];
}

/** The filter's conditions, their values bound from ?8 on. */
function conditions(filter: SuppressionFilter): { clause: string; values: string[] } {
  const values: string[] = [];
  let clause = "";
  for (const column of ["reason", "source", "scope", "destination"] as const) {
    const value = filter[column];
    if (value === undefined) continue;
    values.push(value);
    clause += ` AND ${column} = ?${values.length + 7}`;
  }
  return { clause, values };
}
