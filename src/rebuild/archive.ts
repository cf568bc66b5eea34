// Restores what an object of the archive holds. The contacts' objects still know which delivery claimed each report, and
// the same delivery gets its events granted again: so nothing is taken for a repeat that was none, and repeats stay
// repeats. What is stored already changes nothing.

import { contactOf } from "../config/objects.ts";
import { inPool } from "../lib/pool.ts";
import type { Claim, ClaimAnswer } from "../contact/claims.ts";
import {
  readEnvelope,
  splitIntoSlices,
  type NewEvent,
  type ParsedEnvelope,
  type Slice,
} from "../process/parse.ts";
import { claimedElsewhere, type Claimed } from "../process/claim.ts";
import { rowsOf, store, unstorable } from "../process/store.ts";
import { getBatch } from "../store/bucket/archive.ts";
import { batchOfKey } from "../store/bucket/layout.ts";
import { timeOfId } from "../lib/time-id.ts";
import { storeOf } from "../store/db.ts";
import { putDeadEnvelope } from "../store/dead-letters.ts";
import { readStoredRows, storedAlready } from "../store/events/by-archive-object.ts";
import { readJobs } from "../store/jobs.ts";
import { movedOn, type Rebuild, type RebuildCounts } from "../store/rebuild/rebuilds.ts";
import { changeOf, type ContactChange } from "../store/write/rows.ts";
import { NO_ROWS, storeSlice, type SliceRows } from "../store/write/slice.ts";
import { askOnce } from "./journal.ts";
import type { Run } from "./step.ts";

/** Calls to contacts' objects in progress at once, and the time that those of a slice may take together. */
const AT_ONCE = 128;
const DEADLINE = { ms: 30_000, of: "the contacts" };

/** Kinds of evidence that never suppress anybody. */
const HARMLESS: ReadonlySet<string> = new Set(["good"]);

/** Asks the contacts of whom an object has anything that may suppress them. It stores no event yet. */
export async function restoreSuppressions(run: Run, key: string): Promise<Partial<RebuildCounts>> {
  const parsed = await readObject(run, batchOfKey(key));
  const events = parsed.flatMap((one) => one.events);
  const suspects = events.filter(({ evidence }) => evidence !== null && !HARMLESS.has(evidence.kind));
  await askOnce(
    run,
    suspects.map(({ row }) => row.contact),
  );
  return {};
}

/**
 * Stores the events of an object that are not stored, with the states of all its contacts. The last transaction counts its
 * repeats and pings and moves the cursor, so that they are counted once.
 */
export async function restoreEvents(run: Run, key: string, rebuild: Rebuild): Promise<null> {
  const batch = batchOfKey(key);
  const parsed = await readObject(run, batch);
  let events = 0;
  for (const slice of splitIntoSlices(parsed)) events += await restoreSlice(run, slice);
  const found = { objects: 1, deliveries: parsed.length, events };
  const moved = movedOn(storeOf(run.env), rebuild, key, found);
  const counts = (await isTallied(run.env, batch, key, rebuild))
    ? NO_ROWS
    : await talliesOf(run.env, batch, parsed);
  await storeSlice(storeOf(run.env), counts, [moved]);
  return null;
}

/** What a slice's claims are before anything is claimed. */
const NO_CLAIMS: Claimed = { granted: [], duplicates: [], erased: [], contacts: [], otherReadings: [] };

/** The deliveries of an object, parsed, without contacts that were erased since. An object that is gone has none. */
async function readObject({ env, config, erased }: Run, batch: string): Promise<ParsedEnvelope[]> {
  const parsed: ParsedEnvelope[] = [];
  for (const [line, archived] of ((await getBatch(env.BUCKET, batch)) ?? []).entries()) {
    if (archived.erased === true && archived.body.length === 0) continue; // of an erased contact or a removed source
    const envelope = await erased.redact(archived);
    parsed.push(readEnvelope({ envelope, batch, line, problem: null }, config));
  }
  return parsed;
}

/** Stores what is missing of a slice's events. Resolves to how many there were. */
async function restoreSlice(run: Run, slice: Slice): Promise<number> {
  const { env } = run;
  const db = storeOf(env);
  const rows = slice.events.map(({ row }) => row);
  const stored = await storedAlready(db, rows);
  const missing = slice.events.filter(({ row }) => !stored.has(row.id));
  const { granted, contacts } = await claimAgain(env, missing);
  for (const { contact } of contacts) run.asked.add(contact);
  const claimed = { ...NO_CLAIMS, granted, contacts };
  const group = { redacted: new Map(), duplicates: new Map() };
  const found = rowsOf({ events: granted, complete: [] }, claimed, group, Date.now());
  const onDead = async ({ parsed, row }: NewEvent) => {
    await putDeadEnvelope(env.BUCKET, parsed.envelope);
    return unstorable(parsed.envelope, row.element);
  };
  await store(db, withoutLag(found), granted, { onDead });
  await askOnce(
    run,
    rows.map(({ contact }) => contact),
  );
  return granted.length;
}

/** How long a delivery took is not known any more. */
const withoutLag = (rows: SliceRows): SliceRows => ({
  ...rows,
  sources: rows.sources.map((source) => ({ ...source, lag_ms: null })),
});

/**
 * Claims events again, as their envelopes did before. Their evidence counts if it did not, which it does for objects that were
 * lost, too. An event that its delivery had stored under an older id is stored under its present one.
 */
async function claimAgain(
  env: Env,
  missing: readonly NewEvent[],
): Promise<{ granted: NewEvent[]; contacts: ContactChange[] }> {
  const granted = new Set<NewEvent>();
  const contacts: ContactChange[] = [];
  const groups = [...Map.groupBy(missing, ({ row }) => row.contact)];
  const others = claimedElsewhere(missing);
  await inPool(groups, { atOnce: AT_ONCE, deadline: DEADLINE }, async ([contact, events]) => {
    const elsewhere = others.get(contact) ?? [];
    const correction = { removed: [], added: [], claims: events.map(claimOf), elsewhere };
    const answer: ClaimAnswer = await contactOf(env, contact).correct(correction);
    for (const [index, event] of events.entries())
      if (answer.granted[index] === true || answer.stored?.includes(index) === true) granted.add(event);
    if (answer.snapshot !== null) contacts.push(changeOf(contact, answer.snapshot));
  });
  return { granted: missing.filter((event) => granted.has(event)), contacts };
}

const claimOf = ({ key, evidence, parsed: { envelope } }: NewEvent): Claim => ({
  key,
  evidence,
  origin: envelope.id,
  received: envelope.receivedAt,
});

/**
 * Whether this database has counted the object's repeats and pings: a rebuild did before, or the object was archived when
 * the database existed.
 */
async function isTallied(
  env: Env,
  batch: string,
  key: string,
  { tallied, asked_at }: Rebuild,
): Promise<boolean> {
  if (key <= tallied) return true;
  const { since } = await readJobs(storeOf(env));
  return timeOfId(batch) >= (since ?? asked_at);
}

/** An envelope has as many repeats as it has events without a row that it brought. */
async function talliesOf(env: Env, batch: string, parsed: readonly ParsedEnvelope[]): Promise<SliceRows> {
  const stored = await readStoredRows(storeOf(env), batch);
  const lines = Map.groupBy(stored, ({ line }) => line);
  const copies = await storedFromCopies(env, parsed, new Set(stored.map(({ id }) => id)));
  const duplicates = new Map(
    parsed.map((one): [ParsedEnvelope, number] => {
      const own = lines.get(one.line) ?? [];
      const read = new Set(one.events.map(({ row }) => row.id));
      // A row that kept an older id belongs to one of the events that seem to have none.
      const older = own.filter(({ id }) => !read.has(id)).length;
      const others = Math.max(0, (copies.get(one) ?? 0) - older);
      return [one, one.events.length + one.duplicates - own.length - others];
    }),
  );
  const slice = { events: [], complete: [...parsed] };
  const rows = rowsOf(slice, NO_CLAIMS, { redacted: new Map(), duplicates }, Date.now());
  return { ...withoutLag(rows), deadLetters: [], replayed: [] };
}

/**
 * How many events of each envelope are stored from another copy of it. An envelope that came again after a crash was
 * archived again, and its events lie with the copy that was stored first. The contacts' objects know who brought an
 * event. `ids`: the rows of this copy.
 */
async function storedFromCopies(
  env: Env,
  parsed: readonly ParsedEnvelope[],
  ids: ReadonlySet<string>,
): Promise<Map<ParsedEnvelope, number>> {
  const counts = new Map<ParsedEnvelope, number>();
  for (const { events } of splitIntoSlices(parsed)) {
    const { granted } = await claimAgain(
      env,
      events.filter(({ row }) => !ids.has(row.id)),
    );
    for (const event of granted) counts.set(event.parsed, (counts.get(event.parsed) ?? 0) + 1);
  }
  return counts;
}
