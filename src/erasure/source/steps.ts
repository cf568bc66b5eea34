// The steps of a removal. Each does a bounded amount of work and may be repeated after a crash at any line: the contacts'
// objects forget first, then the rows go, each in one transaction with what counts them.

import { checkJurisdiction, contactOf } from "../../config/objects.ts";
import { inPool } from "../../lib/pool.ts";
import { archiveKeyAt, ARCHIVE } from "../../store/bucket/layout.ts";
import { storeOf } from "../../store/db.ts";
import { deleteDeadEnvelopes } from "../../store/dead-letters.ts";
import type { ArchiveFigures, Place, Removal } from "../../store/erasure/removals.ts";
import {
  clearCounters,
  deleteEvents,
  deleteLetters,
  eventsOfSource,
  evidenceOfSource,
  lettersOfSource,
  storeForgetful,
  type SourceEvidence,
} from "../../store/erasure/source-rows.ts";
import { changeOf, type ContactChange } from "../../store/write/rows.ts";
import { MINUTE } from "../../lib/time.ts";
import { emptyObject } from "./archive.ts";

/**
 * ms from the request to the second pass. It finds what was on its way when the first one began: an invocation of the
 * Worker lives for 15 minutes at most.
 */
export const SETTLES = 20 * MINUTE;

/** Contacts whose objects are asked at the same time, and the deadline for all of a step, ms. */
const AT_ONCE = 32;
const DEADLINE = 30_000;
/** Objects of the archive in one step. */
const OBJECTS = 50;

/** The result of a step: where the removal continues, and what it found in the archive. */
export interface Stepped {
  to: Place;
  found?: ArchiveFigures;
}

/**
 * A step of the third pass: stores what was taken for a repeat of a removed report and repeats none any more. Null if
 * this run has done its share. It reads reports, so src/history does it.
 */
export type RepeatsStep = (env: Env, removal: Removal) => Promise<Stepped | null>;

/** When the next pass of a running removal may begin, ms. */
export function passBegins({ until, emptied_at }: Pick<Removal, "until" | "emptied_at">): number {
  return (emptied_at ?? until) + SETTLES;
}

/** Does the next step of a removal. `now`: ms. Null if it has to wait, or is done. */
export async function doStep(
  env: Env,
  removal: Removal,
  now: number,
  stepRepeats: RepeatsStep,
): Promise<Stepped | null> {
  switch (removal.phase) {
    case "events":
      return { to: await removeEvents(env, removal) };
    case "suppressions":
      return { to: await removeSuppressions(env, removal) };
    case "dead-letters":
      return { to: await removeLetters(env, removal) };
    case "counters":
      return { to: await removeCounts(env, removal) };
    case "archive":
      return await removeFromArchive(env, removal);
    case "repeats":
      return now < passBegins(removal) ? null : await stepRepeats(env, removal);
    case "wait":
      if (removal.pass > 1 || now < passBegins(removal)) return null;
      return { to: { pass: 2, phase: "events", cursor: String(removal.seen), seen: removal.seen } };
  }
}

const goOn = ({ pass, seen }: Removal, phase: Place["phase"], cursor = ""): Place => ({
  pass,
  seen,
  phase,
  cursor,
});

async function removeEvents(env: Env, removal: Removal): Promise<Place> {
  const after = Number(removal.cursor);
  const { rows, last } = await eventsOfSource(storeOf(env), removal, after);
  await forget(
    env,
    removal,
    rows.map(({ contact, id }) => ({ contact, event: id })),
  );
  await deleteEvents(storeOf(env), removal, rows);
  return last === null
    ? { ...goOn(removal, "suppressions"), seen: after }
    : goOn(removal, "events", String(last));
}

async function removeSuppressions(env: Env, removal: Removal): Promise<Place> {
  const { rows, last } = await evidenceOfSource(storeOf(env), removal.source, removal.cursor);
  await forget(env, removal, rows);
  return last === null ? goOn(removal, "dead-letters") : goOn(removal, "suppressions", last);
}

/** Makes contacts' objects forget events, and stores what follows for their suppressions. */
async function forget(env: Env, removal: Removal, forgotten: readonly SourceEvidence[]): Promise<void> {
  const changes: ContactChange[] = [];
  const groups = [...Map.groupBy(forgotten, ({ contact }) => contact)];
  const rules = { atOnce: AT_ONCE, deadline: { ms: DEADLINE, of: "the contacts" } };
  await checkJurisdiction(env);
  await inPool(groups, rules, async ([contact, own]) => {
    const { snapshot } = await contactOf(env, contact).forget(
      own.map(({ event }) => event),
      removal.until,
    );
    if (snapshot !== null) changes.push(changeOf(contact, snapshot));
  });
  await storeForgetful(storeOf(env), removal, changes, forgotten);
}

/** The envelopes go first: a letter without one can still be removed, one without a letter would be left for good. */
async function removeLetters(env: Env, removal: Removal): Promise<Place> {
  const letters = await lettersOfSource(storeOf(env), removal);
  if (letters.length === 0) return goOn(removal, "counters");
  await deleteDeadEnvelopes(env.BUCKET, [...new Set(letters.map(({ envelope }) => envelope))]);
  await deleteLetters(
    storeOf(env),
    removal,
    letters.map(({ id }) => id),
  );
  return goOn(removal, "dead-letters", letters.at(-1)?.id);
}

async function removeCounts(env: Env, removal: Removal): Promise<Place> {
  const more = await clearCounters(storeOf(env), removal);
  // A cursor that differs each time, so that a step which is done twice moves the removal on once.
  if (more) return goOn(removal, "counters", String(Number(removal.cursor) + 1));
  return goOn(removal, "archive", removal.pass === 1 ? "" : archiveKeyAt(removal.until - SETTLES));
}

async function removeFromArchive(env: Env, removal: Removal): Promise<Stepped> {
  const { cursor } = removal;
  const page = await env.BUCKET.list({
    prefix: ARCHIVE,
    limit: OBJECTS,
    ...(cursor === "" ? {} : { startAfter: cursor }),
  });
  const found: ArchiveFigures = { deliveries: 0, objects: 0, unreadable: 0 };
  const keys = page.objects.map(({ key }) => key);
  for (const key of keys) {
    const { deliveries, objects, unreadable } = await emptyObject(env.BUCKET, key, removal);
    found.deliveries += deliveries;
    found.objects += objects;
    found.unreadable += unreadable;
  }
  const last = keys.at(-1);
  return {
    to: !page.truncated || last === undefined ? goOn(removal, "wait") : goOn(removal, "archive", last),
    found,
  };
}
