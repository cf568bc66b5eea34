// The demo's report: every figure as it is beside what it has to be.

import { format } from "../cli/progress.ts";
import { sumOf, type ReadEvent, type RowCounts } from "./read-back.ts";
import type { Sent } from "./send.ts";
import { countBy, factKey, totalOf, type Counts, type Expectation } from "./traffic/traffic.ts";

/** A line of the report; both values as they are shown. */
export interface Row {
  section: string;
  name: string;
  expected: string;
  actual: string;
}

export interface Findings {
  sent: Sent;
  sources: ReadonlyMap<string, Counts>;
  events: readonly ReadEvent[];
  deadLetters: number;
  rows: RowCounts;
}

export function compare(expectation: Expectation, findings: Findings): Row[] {
  return [
    ...requestRows(expectation, findings),
    ...contentRows(expectation, findings),
    ...eventRows(expectation, findings),
  ];
}

export type Line = [name: string, expected: number, actual: number];

/** Lines as rows of one section. */
export function rowsOf(section: string, lines: readonly Line[]): Row[] {
  return lines.map(([name, expected, actual]) => ({
    section,
    name,
    expected: format(expected),
    actual: format(actual),
  }));
}

function requestRows({ statuses }: Expectation, { sent }: Findings): Row[] {
  const line = (name: string, status: number): Line => [
    name,
    statuses.get(status) ?? 0,
    sent.statuses.get(status) ?? 0,
  ];
  const planned = [...statuses.values()].reduce((sum, n) => sum + n, 0);
  const unanswered = sent.statuses.get(0) ?? 0;
  return rowsOf("Requests", [
    ["sent and answered", planned, [...sent.statuses.values()].reduce((sum, n) => sum + n, -unanswered)],
    line("accepted (200)", 200),
    line("refused: no or wrong proof (401)", 401),
    line("refused: address not allowed (403)", 403),
    line("refused: no such source (404)", 404),
  ]);
}

function contentRows({ total }: Expectation, { sources, events, deadLetters }: Findings): Row[] {
  const actual = totalOf(sources.values());
  return rowsOf("What was in the accepted ones", [
    ["all in all", sumOf(total), sumOf(actual)],
    ["events, each stored once", total.events, events.length],
    ["repeats, absorbed", total.duplicates, actual.duplicates],
    ["test pings", total.pings, actual.pings],
    ["unreadable, kept as dead letters", total.dead_letters, deadLetters],
  ]);
}

function eventRows({ total, facts, unknown }: Expectation, { events, rows }: Findings): Row[] {
  return rowsOf("Stored events", [
    ["the very ones that were sent", total.events, countMatches(facts, events)],
    ["different ids", total.events, new Set(events.map(({ id }) => id)).size],
    ["of a type nobody knows, kept too", unknown, events.filter(({ type }) => type === "unknown").length],
    ["rows in the database", total.events, rows.events],
    ["its counters by time, summed up", total.events, rows.rollups],
    ["its counters by campaign, summed up", total.events, rows.campaigns],
  ]);
}

/** How many of the stored events are those that were sent, by contact, type, message id, time and campaign. */
function countMatches(facts: ReadonlyMap<string, number>, events: readonly ReadEvent[]): number {
  const stored = countBy(events.map(factKey));
  let matches = 0;
  for (const [key, n] of stored) matches += Math.min(n, facts.get(key) ?? 0);
  return matches;
}

/** What was sent and what came of it, in four lines; `checked`: every figure that was compared. */
export function summary({ total, statuses }: Expectation, checked: readonly Row[]): string {
  const requests = [...statuses.values()].reduce((sum, n) => sum + n, 0);
  const right = checked.filter((row) => !differs(row)).length;
  return [
    `${format(requests)} requests sent, ${format(statuses.get(200) ?? 0)} to be accepted, the others to be refused`,
    `${format(total.events)} events to be stored once each, ${format(total.duplicates)} repeats to be absorbed`,
    `${format(total.pings)} test pings to be counted, ${format(total.dead_letters)} unreadable elements to be kept as dead letters`,
    `${format(right)} of ${format(checked.length)} figures are as they have to be (--verbose shows all)`,
  ].join("\n");
}

export function differs({ expected, actual }: Row): boolean {
  return expected !== actual;
}

/** The rows as an aligned table. */
export function table(rows: readonly Row[]): string {
  const names = Math.max(...rows.map(({ name }) => name.length));
  const figures = Math.max(
    "expected".length,
    ...rows.map(({ expected, actual }) => Math.max(expected.length, actual.length)),
  );
  const cells = (name: string, expected: string, actual: string): string =>
    `  ${name.padEnd(names)}  ${expected.padStart(figures)}  ${actual.padStart(figures)}`;
  const lines = [cells("", "expected", "actual")];
  let section = "";
  for (const row of rows) {
    if (row.section !== section) lines.push(row.section);
    section = row.section;
    lines.push(`${cells(row.name, row.expected, row.actual)}  ${differs(row) ? "✗" : "✓"}`);
  }
  return lines.join("\n");
}

const COLUMNS = [
  ["events", "events"],
  ["duplicates", "repeats"],
  ["pings", "pings"],
  ["dead_letters", "dead letters"],
] as const;

/** Each source's counts, all of them to be as expected: the rows, and the table that shows what they are. */
export function compareSources({ sources: expected }: Expectation, { sources }: Findings) {
  const names = Math.max(...[...expected.keys()].map((name) => name.length));
  const head = COLUMNS.map(([, title]) => title.padStart(title.length + 2)).join("");
  const lines = [`${"By source".padEnd(names + 2)}${head}`];
  const rows: Row[] = [];
  for (const [name, counts] of expected) {
    const actual = sources.get(name);
    const shown = COLUMNS.map(([key, title]) => format(actual?.[key] ?? 0).padStart(title.length + 2)).join(
      "",
    );
    const own = COLUMNS.map(([key, title]): Line => [`${name}, ${title}`, counts[key], actual?.[key] ?? 0]);
    rows.push(...rowsOf("By source", own));
    lines.push(`  ${name.padEnd(names)}${shown}  ${rowsOf("", own).some(differs) ? "✗" : "✓"}`);
  }
  return { rows, text: lines.join("\n") };
}
