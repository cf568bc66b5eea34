// What a part of the benchmark hands over, and where it goes: tables to the terminal, everything as JSON and SVG into the
// results folder, which git ignores.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chartSvg, type Chart } from "./charts.ts";
import { digits } from "./figures.ts";

export const RESULTS = join(import.meta.dirname, "results");

export interface Table {
  title: string;
  /** The first column holds names, the others figures. */
  columns: string[];
  rows: string[][];
  /** How the figures came about, as far as the columns do not say. */
  notes?: string[];
}

/** A figure that has to keep a bound. */
export interface Target {
  what: string;
  got: number;
  bound: { most: number } | { least: number };
  unit: string;
}

export interface PartResult {
  tables: Table[];
  charts: Chart[];
  targets: Target[];
  /** Every round's own figures, for whoever wants to look closer. */
  data: unknown;
}

export function keepsBound({ got, bound }: Target): boolean {
  return "most" in bound ? got <= bound.most : got >= bound.least;
}

export function writeResult(part: string, result: PartResult): void {
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, `${part}.json`), `${JSON.stringify(result, null, 2)}\n`);
  for (const chart of result.charts)
    writeFileSync(join(RESULTS, `${part}-${chart.name}.svg`), chartSvg(chart));
}

export function printTable({ title, columns, rows, notes = [] }: Table): void {
  const widths = columns.map((head, i) => Math.max(head.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    widths
      .map((width, i) => (i === 0 ? (cells[i] ?? "").padEnd(width) : (cells[i] ?? "").padStart(width)))
      .join("  ")
      .trimEnd();
  console.log(`\n${title}\n${"─".repeat(title.length)}`);
  for (const cells of [columns, ...rows]) console.log(line(cells));
  for (const note of notes) console.log(`  ${note}`);
}

export function targetsTable(targets: readonly Target[]): Table {
  return {
    title: "Targets",
    columns: ["what", "target", "measured", ""],
    rows: targets.map((target) => {
      const { what, got, bound, unit } = target;
      const wanted = "most" in bound ? `≤ ${bound.most}` : `≥ ${bound.least}`;
      return [what, `${wanted}${unit}`, `${digits(got)}${unit}`, keepsBound(target) ? "met" : "MISSED"];
    }),
  };
}
