// Rules for what a source accounts for, once a history has come to rest.

import { listSources } from "../../src/store/events/sources.ts";
import { env } from "cloudflare:workers";
import { erasedContacts } from "./erased.ts";
import { fateOf, type Removals } from "./reference-removals.ts";
import { isLoop } from "./reference-returns.ts";
import { MISTAKEN } from "./reports.ts";
import { LOOP } from "./returns.ts";
import type { Witness } from "./witness.ts";

interface SourceRow {
  source: string;
  events: number;
  duplicates: number;
  pings: number;
}

interface LetterRow {
  id: string;
  envelope: string;
  element: number | null;
  source: string;
}

/**
 * Every element of every envelope is accounted for exactly once, and every dead letter has a cause.
 */
export async function checkAccounts(witness: Witness, removals: Removals): Promise<string[]> {
  const { parcels } = witness.world;
  const { results: letters } = await env.DB.prepare(
    "SELECT id, envelope, element, source FROM dead_letters",
  ).all<LetterRow>();
  const sources: SourceRow[] = await listSources(env.DB);
  const wrong: string[] = [];
  const erased = erasedContacts(witness);
  const elements = new Map<string, number>();
  // The outcome of an erased contact's reports is unknown: they may have been counted before the erasure, or never.
  const untold = new Map<string, number>();
  const poison = new Map<string, number>();
  const optional = new Set<string>();
  for (const envelope of witness.processed) {
    const returning = witness.returns.envelopes.get(envelope);
    if (returning !== undefined) {
      const own = isLoop(returning) ? 1 : returning.told.length;
      elements.set(LOOP, (elements.get(LOOP) ?? 0) + own);
      if (isLoop(returning)) poison.set(envelope, 1);
      continue;
    }
    const parcel = parcels[witness.envelopes.get(envelope) ?? -1];
    if (parcel === undefined) {
      wrong.push(`an envelope from nowhere: ${envelope}`);
      continue;
    }
    const { source } = parcel.dialect;
    const removed = removals.get(source);
    const fate = fateOf(witness, envelope, removed);
    if (fate === "gone") continue;
    if (fate === "late") optional.add(envelope);
    elements.set(source, (elements.get(source) ?? 0) + parcel.reports.length + parcel.poison);
    // So is the number of repeats if repeats could not be recognised.
    const vague = witness.world.mistaken !== null && source === MISTAKEN;
    const own = parcel.reports.filter(
      ({ mail }) => vague || fate === "late" || erased.has(mail.contact),
    ).length;
    untold.set(source, (untold.get(source) ?? 0) + own + (fate === "late" ? parcel.poison : 0));
    // The body of a late one may be gone, which is one dead letter.
    if (parcel.poison > 0 || fate === "late")
      poison.set(envelope, fate === "late" ? Math.max(1, parcel.poison) : parcel.poison);
  }
  for (const { envelope, id } of letters) {
    const left = (poison.get(envelope) ?? 0) - 1;
    if (left < 0) wrong.push(`a dead letter without cause: ${id}`);
    poison.set(envelope, left);
    if ((await env.BUCKET.head(`dead-letters/${envelope}.json.gz`)) === null)
      wrong.push(`a dead letter without its delivery: ${id}`);
  }
  for (const [envelope, left] of poison)
    if (left > 0 && !optional.has(envelope)) wrong.push(`a dead letter is missing: ${envelope}`);
  for (const [source, n] of elements) {
    const row = sources.find((one) => one.source === source);
    const stored = row?.events ?? 0;
    const dead = letters.filter((letter) => letter.source === source).length;
    const accounted = stored + (row?.duplicates ?? 0) + (row?.pings ?? 0) + dead;
    if (accounted > n || accounted < n - (untold.get(source) ?? 0))
      wrong.push(`${source}: ${n} elements in, ${accounted} accounted for`);
  }
  return wrong;
}
