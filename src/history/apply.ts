// Applies the differences that renormalising history found. First it corrects the contacts, then it stores the new
// events with the contacts' states, and last it changes the stored rows. If it ends in between, the next run finds the
// remaining differences again.

import { checkJurisdiction, contactOf } from "../config/objects.ts";
import { within } from "../lib/deadline.ts";
import { inPool } from "../lib/pool.ts";
import type { Evidence } from "../model/suppression/evidence.ts";
import { deleteDeadEnvelopes, deadLettersOf } from "../store/dead-letters.ts";
import { boundDuplicates, type DuplicatesBound } from "../store/write/duplicates.ts";
import { storeReplacements, type Replacement } from "../store/write/replace.ts";
import { changeOf, type ContactChange } from "../store/write/rows.ts";
import { storeSlice, type SliceRows } from "../store/write/slice.ts";
import type { Correction } from "../contact/corrections.ts";
import { keptOrigin, type Claim } from "../contact/claims.ts";
import { claimedElsewhere } from "../process/claim.ts";
import type { Difference } from "./differences.ts";
import type { Reading } from "./renormalise.ts";
import type { NewEvent, ParsedEnvelope } from "../process/parse.ts";
import { wordsOf } from "../process/store.ts";
import { storeOf } from "../store/db.ts";

/** How many contacts are corrected at the same time. */
const AT_ONCE = 32;
/** Deadlines, ms: for each contact, and for each call to the database. */
const CONTACT_DEADLINE = 30_000;
const DATABASE_DEADLINE = 60_000;

/** One contact's share of the differences. */
interface Share {
  contact: string;
  correction: Correction;
  /** For each claim of the correction, its difference. */
  claimed: Difference[];
}

/**
 * Applies the differences of one archive object. A second reading then finds none. `letters`: whether dead letters of
 * deliveries in which events appear are settled, because a parser was fixed; else they are left as they are. Rejects if a
 * service is unavailable.
 */
export async function applyDifferences(
  env: Env,
  { differences, rowsByLine }: Reading,
  letters: "settled" | "left" = "settled",
): Promise<void> {
  if (differences.length === 0) return;
  const granted = new Set<Difference>();
  const contacts: ContactChange[] = [];
  await checkJurisdiction(env);
  await inPool(sharesOf(differences), { atOnce: AT_ONCE }, async (share) => {
    const corrected = correctContact(env, share, granted);
    contacts.push(...(await within(CONTACT_DEADLINE, "the contacts", corrected)));
  });
  const appeared = differences.flatMap((difference) =>
    difference.kind === "appeared" && granted.has(difference) ? [difference.after] : [],
  );
  const settled = letters === "left" ? [] : [...new Set(appeared.map(({ parsed }) => parsed))];
  // Before the events: once they are stored, no later reading would notice that they are still counted as repeats.
  await inDatabase(boundDuplicates(storeOf(env), boundsOf(appeared, rowsByLine)));
  await inDatabase(storeSlice(storeOf(env), sliceOf(appeared, contacts, settled)));
  const replacements = differences.flatMap((difference) => replacementOf(difference, granted));
  await inDatabase(storeReplacements(storeOf(env), replacements));
  const empty = settled.filter(({ rejects }) => rejects.length === 0);
  await deleteDeadEnvelopes(
    env.BUCKET,
    empty.map(({ envelope }) => envelope.id),
  );
}

async function inDatabase(work: Promise<unknown>): Promise<void> {
  await within(DATABASE_DEADLINE, "the database", work);
}

/**
 * The upper bounds for the envelopes' counts of repeats. An event that appears may have been counted as a repeat of a
 * report that another envelope claimed under the former reading and never stored. An envelope has at most as many
 * repeats as it has events without a row.
 */
function boundsOf(appeared: readonly NewEvent[], rowsByLine: ReadonlyMap<number, number>): DuplicatesBound[] {
  return [...Map.groupBy(appeared, ({ parsed }) => parsed)].map(([parsed, own]) => {
    const { envelope, events, duplicates, line } = parsed;
    const most = events.length + duplicates - own.length - (rowsByLine.get(line) ?? 0);
    return { envelope: envelope.id, most };
  });
}

async function correctContact(env: Env, { contact, correction, claimed }: Share, granted: Set<Difference>) {
  const answer = await contactOf(env, contact).correct(correction);
  for (const [index, difference] of claimed.entries())
    if (answer.granted[index] === true) granted.add(difference);
  return answer.snapshot === null ? [] : [changeOf(contact, answer.snapshot)];
}

function sharesOf(differences: readonly Difference[]): Share[] {
  const shares = new Map<string, Share>();
  const of = (contact: string): Share => {
    const known = shares.get(contact);
    if (known !== undefined) return known;
    const share: Share = {
      contact,
      correction: { removed: [], added: [], claims: [], elsewhere: others.get(contact) ?? [] },
      claimed: [],
    };
    shares.set(contact, share);
    return share;
  };
  const others = claimedElsewhere(differences.flatMap(({ after }) => after ?? []));
  for (const difference of differences) {
    const { before, after } = difference;
    if (before !== null) of(before.contact).correction.removed.push(before.id);
    if (after === null) continue;
    const share = of(after.row.contact);
    const evidence = after.evidence === null ? null : { ...after.evidence, id: before?.id ?? after.row.id };
    if (before !== null && before.id === after.row.id) {
      if (evidence !== null) share.correction.added.push(evidence);
      continue;
    }
    share.correction.claims.push(claimOf(after, evidence, before?.id ?? null));
    share.claimed.push(difference);
  }
  return [...shares.values()];
}

/**
 * The claim of an event that is not stored under its present id. If a stored row keeps its id (`kept`) although its
 * identity is read differently now, the claim's origin is that row. No delivery has such an origin, so repeats of the
 * report are duplicates.
 */
function claimOf(
  { key, parsed: { envelope } }: NewEvent,
  evidence: Evidence | null,
  kept: string | null,
): Claim {
  const origin = kept === null ? envelope.id : keptOrigin(kept);
  return { key, origin, evidence, received: envelope.receivedAt };
}

/** The replacement of a stored row. A changed row whose report is already stored under its present id is deleted. */
function replacementOf(difference: Difference, granted: ReadonlySet<Difference>): Replacement[] {
  const { before, after } = difference;
  if (before === null) return [];
  const stays = after !== null && (before.id === after.row.id || granted.has(difference));
  return [{ before, after: stays ? after.row : null }];
}

/** The rows to store. Dead letters of a delivery that have become events leave the list of dead letters. */
function sliceOf(
  appeared: readonly NewEvent[],
  contacts: ContactChange[],
  settled: readonly ParsedEnvelope[],
): SliceRows {
  const sources = Map.groupBy(appeared, ({ row }) => row.source);
  return {
    events: appeared.map(({ row }) => row),
    unknown: wordsOf(appeared),
    contacts,
    sources: [...sources].map(([source, own]) => {
      const last = Math.max(...own.map(({ row }) => row.received_at));
      const provider = own[0]?.row.provider ?? "";
      return {
        source,
        provider,
        last_received_at: last,
        last_event_at: last,
        last_ping_at: null,
        lag_ms: null,
      };
    }),
    tallies: [],
    deadLetters: settled.flatMap(({ envelope, rejects }) => deadLettersOf(envelope, rejects)),
    replayed: settled.map(({ envelope }) => envelope.id),
  };
}
