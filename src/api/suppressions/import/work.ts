// Imports a part of a list: as many rows as one request may take, by number and by time. The answer says where the next
// request goes on, so a caller repeats the same body with that offset until there is nothing left.

import { importSuppressions, type Import, type ImportedSuppression } from "../../../contact/import.ts";
import type { SuppressionReason } from "../../../model/suppression/policy.ts";
import { SECOND } from "../../../lib/time.ts";
import type { ReadList } from "./body.ts";
import { readRow, type Given } from "./rows.ts";

/** Most rows of a request: each may take one call of the hundred thousand that an invocation may make. */
export const MOST_ROWS = 20_000;
/** Rows that are written at a time. */
const A_STEP = 500;
/** How long a request begins new steps, ms. Proxies and clients give up after a minute or more. */
const BUSY = 20 * SECOND;
/** Most rows that each list of the answer names. */
export const MOST_NAMED = 100;

/** A row that needs a word. */
export interface Named {
  line: number;
  reason: string;
}

/** What became of a part. */
export interface Part {
  rows: number;
  added: number;
  changed: number;
  unchanged: number;
  skipped: number;
  rejected: number;
  reasons: Partial<Record<SuppressionReason, number>>;
  skips: Named[];
  rejects: Named[];
  estimated: Named[];
  /** How many rows have no reason of their own, and got the caller's or none. */
  unsaid: { caller: number; nobody: number; row: number };
  next: { offset: number; line: number } | null;
}

/** Which part: rows before `offset` are passed over, and at most `limit` are read. */
export interface Share {
  offset: number;
  limit: number;
}

/** Imports a part of the list. Rejects if a contact or the database does not answer; a repeated call completes it. */
export async function importPart(
  env: Env,
  list: ReadList,
  given: Given,
  { offset, limit }: Share,
  about: Import,
): Promise<Part> {
  const part: Part = {
    rows: 0,
    added: 0,
    changed: 0,
    unchanged: 0,
    skipped: 0,
    rejected: 0,
    reasons: {},
    skips: [],
    rejects: [],
    estimated: [],
    unsaid: { caller: 0, nobody: 0, row: 0 },
    next: null,
  };
  const until = Date.now() + BUSY;
  let step: ImportedSuppression[] = [];
  let place = 0;
  const flush = async (): Promise<void> => {
    for (const outcome of await importSuppressions(env, step, about)) part[outcome] += 1;
    step = [];
  };
  for (const row of list.rows()) {
    place += 1;
    if (place <= offset) continue;
    if (part.rows === limit || (step.length === 0 && part.rows > 0 && Date.now() >= until)) {
      part.next = { offset: place - 1, line: row.line };
      break;
    }
    part.rows += 1;
    const taken = take(part, row.line, readRow(row, given));
    if (taken !== null) step.push(taken);
    if (step.length === A_STEP) await flush();
  }
  if (step.length > 0) await flush();
  return part;
}

function take(part: Part, line: number, reading: ReturnType<typeof readRow>): ImportedSuppression | null {
  if (reading.kind !== "taken") {
    part[reading.kind] += 1;
    name(reading.kind === "skipped" ? part.skips : part.rejects, line, reading.reason);
    return null;
  }
  const { suppression, estimated, said } = reading;
  part.reasons[suppression.reason] = (part.reasons[suppression.reason] ?? 0) + 1;
  part.unsaid[said] += 1;
  if (estimated !== null) name(part.estimated, line, estimated);
  return suppression;
}

function name(list: Named[], line: number, reason: string): void {
  if (list.length < MOST_NAMED) list.push({ line, reason });
}
