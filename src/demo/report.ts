// The demo's report: every actual figure beside the expected one.

import { format } from "../cli/progress.ts";
import { sumOf, type ReadEvent, type RowCounts } from "./read-back.ts";
import type { Sent } from "./send.ts";
import { countBy, factKey, totalOf, type Counts, type Expectation } from "./traffic/traffic.ts";

/** A line of the report, with both values as they are shown. */
export interface Row {
  section: string;
  name: string;
  expected: string;
  actual: string;
}

/** The result of a demo, as it was read back. */
export interface Findings {
  sent: Sent;
  sources: ReadonlyMap<string, Counts>;
  events: readonly ReadEvent[];
  deadLetters: number;
  rows: RowCounts;
}

/** Compares the findings with the expectation, as rows of the report. */
export function compare(expectation: Expectation, findings: Findings): Row[] {
  return [
    ...requestRows(expectation, findings),
    ...contentRows(expectation, findings),
    ...eventRows(expectation, findings),
  ];
}

/** A figure of the report, by name. */
export type Line = [name: string, expected: number, actual: number];

/** The lines as rows of one section. */
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
  return rowsOf("Content of the accepted requests", [
    ["in total", sumOf(total), sumOf(actual)],
    ["events, each stored once", total.events, events.length],
    ["repeats, absorbed", total.duplicates, actual.duplicates],
    ["test pings", total.pings, actual.pings],
    ["unreadable, kept as dead letters", total.dead_letters, deadLetters],
  ]);
}

function eventRows({ total, facts, unknown }: Expectation, { events, rows }: Findings): Row[] {
  return rowsOf("Stored events", [
    ["equal to the sent ones", total.events, countMatches(facts, events)],
    ["different ids", total.events, new Set(events.map(({ id }) => id)).size],
    ["of an unknown type, stored too", unknown, events.filter(({ type }) => type === "unknown").length],
    ["rows in the database", total.events, rows.events],
    ["its counters by time, summed up", total.events, rows.rollups],
    ["its counters by campaign, summed up", total.events, rows.campaigns],
  ]);
}

/** The number of stored events that equal a sent one in contact, type, message id, time and campaign. */
function countMatches(facts: ReadonlyMap<string, number>, events: readonly ReadEvent[]): number {
  const stored = countBy(events.map(factKey));
  let matches = 0;
  for (const [key, n] of stored) matches += Math.min(n, facts.get(key) ?? 0);
  return matches;
}

/** A summary of the traffic and its result in four lines; `checked` are all figures that were compared. */
export function summary({ total, statuses }: Expectation, checked: readonly Row[]): string {
  const requests = [...statuses.values()].reduce((sum, n) => sum + n, 0);
  const right = checked.filter((row) => !differs(row)).length;
  return [
    `${format(requests)} requests sent, ${format(statuses.get(200) ?? 0)} to be accepted, the others to be refused`,
    `${format(total.events)} events to be stored once each, ${format(total.duplicates)} repeats to be absorbed`,
    `${format(total.pings)} test pings to be counted, ${format(total.dead_letters)} unreadable elements to be kept as dead letters`,
    `${format(right)} of ${format(checked.length)} figures are as expected (--verbose shows all)`,
  ].join("\n");
}

/** Whether the actual figure is not the expected one. */
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

/** Compares each source's counts with the expected ones: the rows, and a table that shows the actual counts. */
export function compareSources({ sources: expected }: Expectation, { sources }: Findings) {
  const names = Math.max(...[...expected.keys()].map((name) => name.length));
  const head = COLUMNS.map(([, title]) => title.padStart(title.length + 2)).join("");
  const lines = [`${"By source".padEnd(names + 2)}${head}`];
  const rows: Row[] = [];
  for (const [name, counts] of expected) {
    const actual = sources.get(name);
    const cells = COLUMNS.map(([key, title]) => format(actual?.[key] ?? 0).padStart(title.length + 2)).join(
      "",
    );
    const sourceLines = COLUMNS.map(([key, title]): Line => [
      `${name}, ${title}`,
      counts[key],
      actual?.[key] ?? 0,
    ]);
    rows.push(...rowsOf("By source", sourceLines));
    lines.push(`  ${name.padEnd(names)}${cells}  ${rowsOf("", sourceLines).some(differs) ? "✗" : "✓"}`);
  }
  return { rows, text: lines.join("\n") };
}
