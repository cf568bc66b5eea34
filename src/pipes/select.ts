// Which rows of a feed a pipe passes on.

import type { Piped } from "./dispatch.ts";
import { MOST_EVENTS, readLookups } from "./filter/lookups.ts";
import { compileFilter, evaluate, type Lookups, type Filter } from "./filter/filter.ts";
import type { RunnablePipe } from "./load.ts";
import { pipedOf, shapeOf, type Row } from "./rows.ts";

export interface Selection {
  passed: { row: Row; piped: Piped }[];
  /** Those for which the filter could not be evaluated: they are not passed on, and the log says so. */
  failed: { row: Row; reason: string }[];
}

/** Rows that are rendered in one go: between two such, requests that are under way get on. */
const TOGETHER = 100;

/** Picks from the rows, in order. `further`: another filter that must let them through, too. */
export async function select(
  env: Env,
  pipe: Pick<RunnablePipe, "filter" | "form">,
  rows: readonly Row[],
  further: string | null = null,
): Promise<Selection> {
  const second = further === null ? null : compileFilter(further);
  const filters = [pipe.filter, second?.ok === true ? second.value : null].filter((one) => one !== null);
  const picked: Selection = { passed: [], failed: [] };
  const shown = rows.map((row) => ({ row, event: shapeOf(row) }));
  const needs = {
    message: filters.some((filter) => filter.needs.message),
    suppression: filters.some((filter) => filter.needs.suppression),
  };
  const events = shown.map(({ event }) => event);
  const facts: Lookups[] = [];
  const asked = needs.message || needs.suppression ? events.length : 0;
  for (let at = 0; at < asked; at += MOST_EVENTS)
    facts.push(...(await readLookups(env.DB, env.BUCKET, events.slice(at, at + MOST_EVENTS), needs)));
  for (const [index, { row, event }] of shown.entries()) {
    if (index % TOGETHER === TOGETHER - 1) await scheduler.wait(0);
    const passes = passesFilters(filters, event, facts[index] ?? {});
    if (passes === true) picked.passed.push({ row, piped: pipedOf(pipe.form, row, event) });
    else if (passes !== false) picked.failed.push({ row, reason: passes });
  }
  return picked;
}

/** Whether all of them let it through, or why that cannot be said. */
function passesFilters(
  filters: readonly Filter[],
  event: Record<string, unknown>,
  facts: Lookups,
): boolean | string {
  for (const filter of filters) {
    const result = evaluate(filter, event, facts);
    if (!result.ok) return result.reason;
    if (!result.value) return false;
  }
  return true;
}
