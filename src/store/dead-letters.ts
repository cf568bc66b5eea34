// Dead letters: what was authenticated and could not become an event. D1 lists them, the bucket keeps the envelope whole.

import { fromLine, gunzip, gzip, toLine, type Envelope } from "../model/envelope.ts";
import { mentions } from "../model/address-search.ts";
import type { DeadLetter } from "./write/rows.ts";
import type { Db } from "./db.ts";

/** Longest raw text in a row, in UTF-16 units; the envelope in the bucket has all of it. */
const MOST_RAW = 50_000;
/** An envelope with more rejects than this becomes one dead letter as a whole. */
const MOST_PER_ENVELOPE = 1_000;

const keyOf = (envelope: string): string => `dead-letters/${envelope}.json.gz`;

/** Keeps an envelope of which something is a dead letter. */
export async function putDeadEnvelope(bucket: R2Bucket, envelope: Envelope): Promise<void> {
  await bucket.put(keyOf(envelope.id), await gzip(new TextEncoder().encode(toLine(envelope))));
}

/** The envelope of a dead letter; null where it is gone. */
export async function getDeadEnvelope(bucket: R2Bucket, envelope: string): Promise<Envelope | null> {
  const object = await bucket.get(keyOf(envelope));
  if (object === null) return null;
  return fromLine(new TextDecoder().decode(await gunzip(new Uint8Array(await object.arrayBuffer()))));
}

/** Drops envelopes of which nothing is a dead letter any more. */
export async function deleteDeadEnvelopes(bucket: R2Bucket, envelopes: readonly string[]): Promise<void> {
  if (envelopes.length > 0) await bucket.delete(envelopes.map(keyOf));
}

/** A dead letter for each reject of an envelope, or one for all of them where they are very many. */
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

/** What stands for a reject of somebody who was erased: it keeps its place, so that its neighbours keep their ids. */
export const GAP = "null";

/** Whether a reject is nothing but the place of an element that was erased. */
export function isGap(envelope: Envelope, { raw }: { raw: string }): boolean {
  return envelope.erased === true && raw === GAP;
}

/** Longest unbroken piece of an address: what any encoding leaves as it is. */
const pieceOf = (address: string): string =>
  (address.match(/[a-z0-9]+/g) ?? []).reduce(
    (longest, run) => (run.length > longest.length ? run : longest),
    "",
  );

const LETTERS_A_LOOK = 50;

/** A dead letter that holds an address. */
export type NamingDeadLetter = Pick<DeadLetter, "id" | "envelope" | "element" | "raw">;

/**
 * Takes the address out of the dead letters received until `until` (ms), a page at a time: those go of which `leftOf` gives
 * null, counted for the erasure with this id; the others hold what it gives.
 */
export async function removeDeadLettersOf(
  db: D1Database,
  address: string,
  { erasure, until }: { erasure: string; until: number },
  leftOf: (letter: NamingDeadLetter) => Promise<string | null>,
): Promise<void> {
  let after = "";
  for (;;) {
    const { results } = await db
      .prepare(
        `SELECT id, envelope, element, raw FROM dead_letters
         WHERE id > ?1 AND received_at <= ?3 AND (instr(lower(raw), ?2) > 0 OR length(raw) >= ${MOST_RAW})
         ORDER BY id LIMIT ${LETTERS_A_LOOK}`,
      )
      .bind(after, pieceOf(address), until)
      .all<NamingDeadLetter>();
    const gone: string[] = [];
    const left: [id: string, raw: string][] = [];
    for (const letter of results) {
      const raw = holds(letter.raw, address) ? await leftOf(letter) : letter.raw;
      if (raw === null) gone.push(letter.id);
      else if (raw !== letter.raw) left.push([letter.id, raw]);
    }
    const update = db.prepare("UPDATE dead_letters SET raw = ?2 WHERE id = ?1");
    const statements = left.map((values) => update.bind(...values));
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

/** Also the beginning of it, where the text was cut off within. */
function holds(raw: string, address: string): boolean {
  if (mentions(raw, address)) return true;
  if (raw.length < MOST_RAW) return false;
  const end = raw.slice(-address.length).toLowerCase();
  for (let n = 4; n < address.length; n++) if (end.endsWith(address.slice(0, n))) return true;
  return false;
}

/** One dead letter of an envelope. `element`: which of its rejects, or null for the whole envelope. */
export function deadLetterOf(
  envelope: Envelope,
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

/** A dead letter as listed. */
export type ListedDeadLetter = DeadLetter & { replayed_at: number | null };

const COLUMNS = "id, envelope, element, source, provider, reason, raw, received_at, replayed_at";

/** Dead letters in order of receipt, after the one with the id `after`, of one source or of all. */
export async function listDeadLetters(
  db: Db,
  { after, source, limit }: { after?: string | undefined; source?: string | undefined; limit: number },
): Promise<{ letters: ListedDeadLetter[]; next: string | null }> {
  const rows = await db
    .prepare(
      `SELECT ${COLUMNS} FROM dead_letters WHERE id > ?1 AND (?2 IS NULL OR source = ?2) ORDER BY id LIMIT ?3`,
    )
    .bind(after ?? "", source ?? null, limit + 1)
    .all<ListedDeadLetter>();
  const letters = rows.results.slice(0, limit);
  return { letters, next: rows.results.length > limit ? (letters.at(-1)?.id ?? null) : null };
}

export async function getDeadLetter(db: Db, id: string): Promise<ListedDeadLetter | null> {
  return await db
    .prepare(`SELECT ${COLUMNS} FROM dead_letters WHERE id = ?1`)
    .bind(id)
    .first<ListedDeadLetter>();
}

/** Notes that the envelope of a dead letter was sent through again; it goes when that succeeds. */
export async function markReplayed(db: D1Database, envelope: string, now: number): Promise<void> {
  await db
    .prepare("UPDATE dead_letters SET replayed_at = ?3 WHERE id >= ?1 AND id < ?2")
    .bind(envelope, `${envelope}/`, now)
    .run();
}

/** Discards a dead letter, and its envelope with the last one of it. */
export async function discardDeadLetter(
  db: D1Database,
  bucket: R2Bucket,
  letter: ListedDeadLetter,
): Promise<void> {
  const { envelope, id } = letter;
  const [, rest] = await db.batch<{ n: number }>([
    db.prepare("DELETE FROM dead_letters WHERE id = ?1").bind(id),
    db
      .prepare("SELECT count(*) AS n FROM dead_letters WHERE id >= ?1 AND id < ?2")
      .bind(envelope, `${envelope}/`),
  ]);
  if (rest?.results[0]?.n === 0) await deleteDeadEnvelopes(bucket, [envelope]);
}
