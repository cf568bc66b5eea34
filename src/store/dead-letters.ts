// Dead letters: elements and deliveries that were authenticated but could not become events. D1 lists them; the bucket
// keeps their envelopes whole.

import { fromLine, gunzip, gzip, toLine, toUnreadLine, type Envelope } from "../model/envelope.ts";
import { deadLetterKey } from "./bucket/layout.ts";
import { mayMention, piecesOf } from "./erasure/may-mention.ts";
import type { DeadLetter } from "./write/rows.ts";
import type { Db } from "./db.ts";
import { isOfEnvelope } from "./prefix-range.ts";
import { firstIdAt } from "../lib/time-id.ts";
import { isCut, withinBytes, type SizedRow } from "./within-bytes.ts";

/** Longest raw text in a row, in UTF-16 units; the envelope in the bucket has all of it. */
export const MOST_RAW = 50_000;
/** An envelope with more rejects than this becomes a single dead letter. */
const MOST_PER_ENVELOPE = 1_000;

/** Stores the envelope of one or more dead letters. */
export async function putDeadEnvelope(bucket: R2Bucket, envelope: Envelope): Promise<void> {
  await bucket.put(deadLetterKey(envelope.id), await gzip(new TextEncoder().encode(toLine(envelope))));
}

/** Stores the envelope of a dead letter whose body nothing may read. */
export async function putUnreadEnvelope(bucket: R2Bucket, envelope: Envelope): Promise<void> {
  await bucket.put(deadLetterKey(envelope.id), await gzip(new TextEncoder().encode(toUnreadLine(envelope))));
}

/** The envelope of a dead letter, by the envelope's id; null if it is gone. */
export async function getDeadEnvelope(bucket: R2Bucket, envelope: string): Promise<Envelope | null> {
  const object = await bucket.get(deadLetterKey(envelope));
  if (object === null) return null;
  return fromLine(new TextDecoder().decode(await gunzip(new Uint8Array(await object.arrayBuffer()))));
}

/** Deletes envelopes, by their ids, that no dead letter needs any more. */
export async function deleteDeadEnvelopes(bucket: R2Bucket, envelopes: readonly string[]): Promise<void> {
  if (envelopes.length > 0) await bucket.delete(envelopes.map(deadLetterKey));
}

/** A dead letter for each reject of an envelope, or a single one for all of them if there are more than 1,000. */
export function deadLettersOf(
  envelope: Envelope,
  rejects: readonly { reason: string; raw: string }[],
): DeadLetter[] {
  const [first] = rejects;
  if (first === undefined) return [];
  if (rejects.length > MOST_PER_ENVELOPE) {
    return [
      deadLetterOf(
        envelope,
        null,
        `${rejects.length} elements could not be read; the first: ${first.reason}`,
        "",
      ),
    ];
  }
  return rejects.flatMap((reject, index) =>
    isGap(envelope, reject) ? [] : [deadLetterOf(envelope, index, reject.reason, reject.raw)],
  );
}

/**
 * The placeholder for a reject about an erased contact. It keeps the place, so that the other rejects keep their ids.
 */
export const GAP = "null";

/** Whether a reject is only the placeholder of an erased element. */
export function isGap(envelope: Envelope, { raw }: { raw: string }): boolean {
  return envelope.erased === true && raw === GAP;
}

/** Rows that removal reads at a time. */
const LETTERS_A_LOOK = 50;

/** The fields of a dead letter that decide what an erasure leaves of it. */
export type NamingDeadLetter = Pick<DeadLetter, "id" | "envelope" | "element" | "raw">;

/** Earlier versions stored whole deliveries that are no UTF-8 as base64. This finds such rows, and few others. */
const BASE64 = "(element IS NULL AND raw <> '' AND raw NOT GLOB '*[^A-Za-z0-9+/=]*')";

/**
 * Removes an address from the dead letters received until `until` (ms), a page at a time. `leftOf` gets a letter that
 * may contain the address, and returns the text that remains of it, or null if nothing does. Such letters are deleted.
 * Deleted and changed letters are counted for the erasure with this id.
 */
export async function removeDeadLettersOf(
  db: Db,
  address: string,
  { erasure, until }: { erasure: string; until: number },
  leftOf: (letter: NamingDeadLetter) => Promise<string | null>,
): Promise<void> {
  let after = "";
  for (;;) {
    const { results } = await db
      .prepare(
        `SELECT id, envelope, element, raw FROM dead_letters
         WHERE id > ?1 AND received_at <= ?3 AND (${mayMention("raw", "?2")} OR length(raw) >= ${MOST_RAW} OR ${BASE64})
         ORDER BY id LIMIT ${LETTERS_A_LOOK}`,
      )
      .bind(after, piecesOf([address]), until)
      .all<NamingDeadLetter>();
    const gone: string[] = [];
    const left: [id: string, raw: string][] = [];
    for (const letter of results) {
      const raw = await leftOf(letter);
      if (raw === null) gone.push(letter.id);
      else if (raw !== letter.raw) left.push([letter.id, raw]);
    }
    const update = db.prepare("UPDATE dead_letters SET raw = ?2 WHERE id = ?1");
    const statements = left.map((values) => update.bind(...values));
    if (left.length > 0)
      statements.push(
        db.prepare("UPDATE erasures SET mentions = mentions + ?1 WHERE id = ?2").bind(left.length, erasure),
      );
    if (gone.length > 0) {
      statements.push(
        db
          .prepare(
            `UPDATE erasures SET dead_letters = dead_letters +
               (SELECT count(*) FROM json_each(?1) AS i CROSS JOIN dead_letters AS d ON d.id = i.value) WHERE id = ?2`,
          )
          .bind(JSON.stringify(gone), erasure),
        db
          .prepare("DELETE FROM dead_letters WHERE id IN (SELECT value FROM json_each(?1))")
          .bind(JSON.stringify(gone)),
      );
    }
    if (statements.length > 0) await db.batch(statements);
    if (results.length < LETTERS_A_LOOK) return;
    after = results.at(-1)?.id ?? "";
  }
}

/** One dead letter of an envelope. `element`: the index of its reject, or null for the whole envelope. */
export function deadLetterOf(
  envelope: Omit<Envelope, "body">,
  element: number | null,
  reason: string,
  raw: string,
): DeadLetter {
  return {
    id: element === null ? envelope.id : `${envelope.id}.${element}`,
    envelope: envelope.id,
    element,
    source: envelope.source,
    provider: envelope.provider,
    reason,
    raw: raw.slice(0, MOST_RAW).toWellFormed().replaceAll("\0", "\uFFFD"),
    received_at: envelope.receivedAt,
  };
}

/** The ids of an envelope's dead letters. `envelope`: its id. */
export async function deadLettersFrom(db: Db, envelope: string): Promise<Set<string>> {
  const { results } = await db
    .prepare(`SELECT id FROM dead_letters WHERE ${isOfEnvelope("id", "?1")}`)
    .bind(envelope)
    .all<{ id: string }>();
  return new Set(results.map(({ id }) => id));
}

/**
 * A dead letter as listed. `replayed_at`: when its delivery was last sent through again, ms; null if never. `replays`:
 * how often. `failed_at`: when that last failed, ms; null if it never did.
 */
export type ListedDeadLetter = DeadLetter & {
  replayed_at: number | null;
  replays: number;
  failed_at: number | null;
};

const COLUMNS =
  "id, envelope, element, source, provider, reason, raw, received_at, replayed_at, replays, failed_at";

const LIST = withinBytes("dead_letters", {
  keys: `SELECT id AS key, id, 500 + octet_length(raw) + octet_length(reason) AS size FROM dead_letters
    WHERE id > ?1 AND (?2 IS NULL OR source IN (SELECT value FROM json_each(?2))) ORDER BY id LIMIT ?3`,
  columns: COLUMNS,
  order: "asc",
});

/**
 * Dead letters in order of receipt, after the one with the id `after`, of these sources or of all. `next`: the id of the
 * last one, to pass as `after`; null at the end.
 */
export async function listDeadLetters(
  db: Db,
  {
    after,
    source,
    limit,
  }: { after?: string | undefined; source?: readonly string[] | undefined; limit: number },
): Promise<{ letters: ListedDeadLetter[]; next: string | null }> {
  const { results } = await db
    .prepare(LIST)
    .bind(after ?? "", source === undefined ? null : JSON.stringify(source), limit + 1)
    .all<ListedDeadLetter & SizedRow>();
  const letters = results.slice(0, limit);
  const more = results.length > limit || isCut(results);
  return { letters, next: more ? (letters.at(-1)?.id ?? null) : null };
}

/** How many dead letters a count looks at. */
const MOST_COUNTED = 10_000;

/** How many of the dead letters that were received from `since` (ms) on each source has; 10,000 are looked at. */
export async function countDeadLetters(db: Db, since: number): Promise<Map<string, number>> {
  const { results } = await db
    .prepare(
      `SELECT source, count(*) AS n FROM (SELECT source FROM dead_letters WHERE id >= ?1 AND received_at >= ?2
         LIMIT ${MOST_COUNTED}) GROUP BY source ORDER BY source`,
    )
    .bind(firstIdAt(since), since)
    .all<{ source: string; n: number }>();
  return new Map(results.map(({ source, n }) => [source, n]));
}

/** The dead letter with this id; null if there is none. */
export async function getDeadLetter(db: Db, id: string): Promise<ListedDeadLetter | null> {
  return await db
    .prepare(`SELECT ${COLUMNS} FROM dead_letters WHERE id = ?1`)
    .bind(id)
    .first<ListedDeadLetter>();
}

/**
 * Notes at `now` (ms) that an envelope was sent through again. Its dead letters are deleted when it is processed
 * without error.
 */
export async function markReplayed(db: D1Database, envelope: string, now: number): Promise<void> {
  await db
    .prepare(
      `UPDATE dead_letters SET replayed_at = ?2, replays = replays + 1 WHERE ${isOfEnvelope("id", "?1")}`,
    )
    .bind(envelope, now)
    .run();
}

/** Deletes a dead letter, and with an envelope's last dead letter also the envelope. */
export async function discardDeadLetter(
  db: D1Database,
  bucket: R2Bucket,
  letter: ListedDeadLetter,
): Promise<void> {
  const { envelope, id } = letter;
  const [, rest] = await db.batch<{ n: number }>([
    db.prepare("DELETE FROM dead_letters WHERE id = ?1").bind(id),
    db.prepare(`SELECT count(*) AS n FROM dead_letters WHERE ${isOfEnvelope("id", "?1")}`).bind(envelope),
  ]);
  if (rest?.results[0]?.n === 0) await deleteDeadEnvelopes(bucket, [envelope]);
}
