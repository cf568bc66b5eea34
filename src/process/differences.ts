// What becomes of stored events when their delivery is read anew, by a parser that was mended since: pure.

import type { StoredRow } from "../store/batches.ts";
import type { EventRow } from "../store/rows.ts";
import type { Candidate } from "./work.ts";

/** One difference between what is stored and what is read now. A changed event keeps its id. */
export type Difference =
  | { kind: "changed"; before: StoredRow; after: Candidate }
  | { kind: "appeared"; before: null; after: Candidate }
  | { kind: "vanished"; before: StoredRow; after: null };

/** What a mended parser may tell differently. */
const TOLD = [
  "contact",
  "at",
  "type",
  "bounce",
  "destination",
  "message_id",
  "campaign",
  "details",
] as const satisfies readonly (keyof EventRow)[];

/**
 * The differences of one delivery. `stored`: its rows in order of seq; `read`: its events as they are read now.
 * Rows and events belong together by id; of the others, by the element that they come from and their order there, for
 * an event whose identity is told differently now is still the same report.
 */
export function differencesOf(stored: readonly StoredRow[], read: readonly Candidate[]): Difference[] {
  const rows = new Map(stored.map((row) => [row.id, row]));
  const strangers: Candidate[] = [];
  const differences: Difference[] = [];
  for (const candidate of read) {
    const row = rows.get(candidate.row.id);
    rows.delete(candidate.row.id);
    if (row === undefined) strangers.push(candidate);
    else if (differs(row, candidate.row))
      differences.push({ kind: "changed", before: row, after: candidate });
  }
  const left = Map.groupBy(rows.values(), ({ element }) => element);
  for (const candidate of strangers) {
    const before = left.get(candidate.row.element)?.shift();
    differences.push(
      before === undefined
        ? { kind: "appeared", before: null, after: candidate }
        : { kind: "changed", before, after: candidate },
    );
  }
  for (const before of [...left.values()].flat()) differences.push({ kind: "vanished", before, after: null });
  return differences;
}

function differs(before: EventRow, after: EventRow): boolean {
  return TOLD.some((field) => (before[field] ?? "") !== (after[field] ?? ""));
}
