// Rules for sources whose data people removed, once a history has come to rest: what was received until then is gone,
// with all that followed from it, and what came later is there.
//
// One thing is left open: what a consumer still holds twenty minutes after the request may be stored for good, or be
// taken for a repeat of what is about to go.

import { env } from "cloudflare:workers";
import type { Report } from "../../src/demo/traffic/types.ts";
import { callApi } from "./questions.ts";
import { LOOP } from "./returns.ts";
import type { EventRow, Witness } from "./witness.ts";
import type { World } from "./world.ts";

/** From the request to the second pass, ms. */
const SETTLES = 20 * 60_000;

/** The removals of one source's data; times in ms. */
export interface Removed {
  /** What was received until then is gone. */
  until: number;
  /** When the last of them was done. */
  finished: number;
}

/** What a removal means for an envelope of its source. */
export type Fate = "gone" | "late" | "stays";

/** How the sources fared, by their names: none for those whose data nobody removed. */
export type Removals = ReadonlyMap<string, Removed>;

/** Reads the receipts. */
export async function readRemovals({ removing }: World): Promise<Removals> {
  const found = new Map<string, Removed>();
  if (removing !== true) return found;
  const { removals } = await callApi("removals");
  for (const { source, until, finished_at } of removals as Receipt[]) {
    const known = found.get(source) ?? { until: 0, finished: 0 };
    found.set(source, {
      until: Math.max(known.until, Date.parse(until)),
      finished: Math.max(known.finished, finished_at === null ? Infinity : Date.parse(finished_at)),
    });
  }
  return found;
}

interface Receipt {
  source: string;
  until: string;
  finished_at: string | null;
}

/** What became of an envelope of a source: `late` if a consumer had it when the second pass was due. */
export function fateOf(
  { received, consumed }: Witness,
  envelope: string,
  removed: Removed | undefined,
): Fate {
  if (removed === undefined || (received.get(envelope) ?? 0) > removed.until) return "stays";
  return (consumed.get(envelope)?.ended ?? 0) >= removed.until + SETTLES ? "late" : "gone";
}

/** What identifies a report. */
function keyOf({ mail, expected, at }: Report): string {
  return JSON.stringify([mail.contact, expected, mail.id, at]);
}

function keysOf(events: readonly EventRow[]): Set<string> {
  // What pipes brought back is of another source, and tells the same.
  const reported = events.filter(({ source }) => source !== LOOP);
  return new Set(
    reported.map(({ contact, type, message_id, at }) => JSON.stringify([contact, type, message_id, at])),
  );
}

/** All violations of the rules for removed sources, in words. */
export async function checkRemovals(
  witness: Witness,
  removals: Removals,
  events: readonly EventRow[],
): Promise<string[]> {
  const wrong: string[] = [];
  const stored = keysOf(events);
  for (const { source, at } of witness.removals)
    if ((removals.get(source)?.until ?? 0) < at)
      wrong.push(`the data of ${source} were to be removed, and no receipt says so`);
  for (const [source, removed] of removals) {
    if (removed.finished === Infinity) wrong.push(`the data of ${source} are still being removed`);
    const seen = new Map<string, Set<Fate>>();
    for (const envelope of witness.processed) {
      const parcel = witness.world.parcels[witness.envelopes.get(envelope) ?? -1];
      if (parcel?.dialect.source !== source) continue;
      const fate = fateOf(witness, envelope, removed);
      for (const report of parcel.reports) {
        const key = keyOf(report);
        seen.set(key, (seen.get(key) ?? new Set<Fate>()).add(fate));
      }
    }
    for (const [key, fates] of seen) {
      const mustGo = fates.has("gone") && fates.size === 1;
      if (fates.has("stays") && !stored.has(key))
        wrong.push(`lost, though received after the removal: ${key}`);
      if (mustGo && stored.has(key)) wrong.push(`removed, and there: ${key}`);
    }
  }
  return [...wrong, ...(await checkLeftovers(witness, removals))];
}

/** Rows about a removed source that name envelopes which are gone. */
async function checkLeftovers(witness: Witness, removals: Removals): Promise<string[]> {
  const { results } = await env.DB.prepare(
    "SELECT envelope, source FROM tallies UNION ALL SELECT envelope, source FROM dead_letters",
  ).all<{ envelope: string; source: string }>();
  return results.flatMap(({ envelope, source }) =>
    fateOf(witness, envelope, removals.get(source)) === "gone"
      ? [`of ${envelope} of ${source}, which was removed, something is left`]
      : [],
  );
}

/** Reports that may be told anew when history is read again: they came late, and what they repeated was removed. */
export function mayAppear(witness: Witness, removals: Removals, events: readonly EventRow[]): number {
  const stored = keysOf(events);
  const open = new Set<string>();
  for (const envelope of witness.processed) {
    const parcel = witness.world.parcels[witness.envelopes.get(envelope) ?? -1];
    const removed = removals.get(parcel?.dialect.source ?? "");
    if (parcel === undefined || fateOf(witness, envelope, removed) !== "late") continue;
    for (const report of parcel.reports) if (!stored.has(keyOf(report))) open.add(keyOf(report));
  }
  return open.size;
}
