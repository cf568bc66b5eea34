// Which rows of a feed a pipe passes on, and what it sends of each.

import { shardsOf } from "../store/shards.ts";
import { compileFilter, evaluate, type Filter, type Lookups } from "./filter/filter.ts";
import { lookUpDivided, MOST_EVENTS } from "./filter/lookups.ts";
import type { Outgoing } from "./kinds/kind.ts";
import type { RunnablePipe } from "./load.ts";
import { groupOf, timeOf, viewOf, type Row } from "./rows.ts";
import { render } from "./transport/payload.ts";

/** A row that is to be sent. */
export interface SelectedRow {
  row: Row;
  out: Outgoing;
  /** See `groupOf`. */
  group: string;
}

/** What a pipe's filter makes of some rows. */
export interface Selection {
  passed: SelectedRow[];
  /** Rows for which the filter failed. They are not passed on, and the log says so. */
  failed: { row: Row; reason: string }[];
}

/** How many rows are filtered and rendered before requests under way get their turn. */
const ROWS_AT_ONCE = 100;

/** Selects from the rows, in order. `further`: a filter that must let them through beside the pipe's own. */
export async function select(
  env: Env,
  pipe: Pick<RunnablePipe, "filter" | "form">,
  rows: readonly Row[],
  further: string | null = null,
): Promise<Selection> {
  const second = further === null ? null : compileFilter(further);
  const filters = [pipe.filter, second?.ok === true ? second.value : null].filter((one) => one !== null);
  const viewed = rows.map((row) => ({ row, event: viewOf(row) }));
  const lookups = await lookUp(
    env,
    filters,
    viewed.map(({ event }) => event),
  );
  const selection: Selection = { passed: [], failed: [] };
  for (const [index, { row, event }] of viewed.entries()) {
    if (index % ROWS_AT_ONCE === ROWS_AT_ONCE - 1) await scheduler.wait(0);
    const passes = passesFilters(filters, event, lookups[index] ?? {});
    if (passes === true) selection.passed.push(toSelected(pipe.form, row, event));
    else if (passes !== false) selection.failed.push({ row, reason: passes });
  }
  return selection;
}

/** The row as it is sent, whatever a filter says. */
export function toSelected(form: RunnablePipe["form"], row: Row, event = viewOf(row)): SelectedRow {
  const { id, type, contact, source } = row.event;
  const out: Outgoing = { id, type, contact, at: timeOf(row), event, text: "" };
  out.text = render(out, form, source);
  return { row, out, group: groupOf(row) };
}

/** Reads what the filters need to know beside the events; an empty list if they need nothing. */
export async function lookUp(
  env: Env,
  filters: readonly Filter[],
  events: readonly Record<string, unknown>[],
): Promise<Lookups[]> {
  const needs = {
    message: filters.some((filter) => filter.needs.message),
    suppression: filters.some((filter) => filter.needs.suppression),
  };
  const lookups: Lookups[] = [];
  if (!needs.message && !needs.suppression) return lookups;
  for (let at = 0; at < events.length; at += MOST_EVENTS)
    lookups.push(
      ...(await lookUpDivided(shardsOf(env), env.BUCKET, events.slice(at, at + MOST_EVENTS), needs)),
    );
  return lookups;
}

/** Whether all filters let the event through, or why one of them failed. */
export function passesFilters(
  filters: readonly Filter[],
  event: Record<string, unknown>,
  lookups: Lookups,
): boolean | string {
  for (const filter of filters) {
    const result = evaluate(filter, event, lookups);
    if (!result.ok) return result.reason;
    if (!result.value) return false;
  }
  return true;
}
