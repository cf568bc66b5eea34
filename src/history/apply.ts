// Applies what reading history anew has found. The contacts are told first, then what appears is stored with their states,
// and last the rows are changed: wherever this ends in between, the differences are still there to be found again.

import { within } from "../lib/deadline.ts";
import type { Evidence } from "../model/suppression/evidence.ts";
import { deleteDeadEnvelopes, deadLettersOf } from "../store/dead-letters.ts";
import { storeReplacements, type Replacement } from "../store/write/replace.ts";
import { changeOf, type ContactChange } from "../store/write/rows.ts";
import { storeSlice, type SliceRows } from "../store/write/slice.ts";
import type { Correction } from "../contact/corrections.ts";
import { keptOrigin, type Claim } from "../contact/claims.ts";
import type { Difference } from "./differences.ts";
import type { Reading } from "./renormalise.ts";
import type { NewEvent, ParsedEnvelope } from "../process/parse.ts";
import { storeOf } from "../store/db.ts";

const AT_ONCE = 32;
const CONTACTS_DEADLINE = 30_000;
const DATABASE_DEADLINE = 60_000;

/** One contact's share of the differences. */
interface Share {
  contact: string;
  correction: Correction;
  /** What the claims are for, by index. */
  asked: Difference[];
}

/** Applies the differences of one archive object; the same again finds none. Rejects where anything is unavailable. */
export async function applyDifferences(env: Env, { differences }: Reading): Promise<void> {
  if (differences.length === 0) return;
  const shares = sharesOf(differences);
  const granted = new Set<Difference>();
  const contacts: ContactChange[] = [];
  for (let i = 0; i < shares.length; i += AT_ONCE) {
    const some = shares.slice(i, i + AT_ONCE).map(async (share) => await tell(env, share, granted));
    contacts.push(...(await within(CONTACTS_DEADLINE, "the contacts", Promise.all(some))).flat());
  }
  const appeared = differences.flatMap((one) =>
    one.kind === "appeared" && granted.has(one) ? [one.after] : [],
  );
  const settled = [...new Set(appeared.map(({ parsed }) => parsed))];
  await within(
    DATABASE_DEADLINE,
    "the database",
    storeSlice(storeOf(env), sliceOf(appeared, contacts, settled)),
  );
  const replacements = differences.flatMap((one) => replacementOf(one, granted));
  await within(DATABASE_DEADLINE, "the database", storeReplacements(storeOf(env), replacements));
  const empty = settled.filter(({ rejects }) => rejects.length === 0);
  await deleteDeadEnvelopes(
    env.BUCKET,
    empty.map(({ envelope }) => envelope.id),
  );
}

async function tell(env: Env, { contact, correction, asked }: Share, granted: Set<Difference>) {
  const answer = await env.CONTACTS.getByName(contact).correct(correction);
  for (const [index, difference] of asked.entries())
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
      correction: { removed: [], added: [], claims: [] },
      asked: [],
    };
    shares.set(contact, share);
    return share;
  };
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
    share.asked.push(difference);
  }
  return [...shares.values()];
}

/**
 * The claim of an event that is not stored under its present id. Where a row `kept` its id although its identity is told
 * differently now, the claim has that row for its origin, which no delivery has: repeats of the report find it taken.
 */
function claimOf(
  { key, parsed: { envelope } }: NewEvent,
  evidence: Evidence | null,
  kept: string | null,
): Claim {
  const origin = kept === null ? envelope.id : keptOrigin(kept);
  return { key, origin, evidence, received: envelope.receivedAt };
}

/** A changed row whose report turns out to be stored already, under its present id, goes. */
function replacementOf(difference: Difference, granted: ReadonlySet<Difference>): Replacement[] {
  const { before, after } = difference;
  if (before === null) return [];
  const stays = after !== null && (before.id === after.row.id || granted.has(difference));
  return [{ before, after: stays ? after.row : null }];
}

/** What is stored anew. What was a dead letter of a delivery and is an event now leaves the list. */
function sliceOf(
  appeared: readonly NewEvent[],
  contacts: ContactChange[],
  settled: readonly ParsedEnvelope[],
): SliceRows {
  const sources = Map.groupBy(appeared, ({ row }) => row.source);
  return {
    events: appeared.map(({ row }) => row),
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
