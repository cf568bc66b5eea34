// What pipes are told beside the events: a contact was suppressed, its suppression lifted, it was erased; a pipe was paused.
// Each is written in the transaction that makes it true, so that none is told twice and none is missed.

import type { Db } from "./db.ts";

export const NOTICE_TYPES = [
  "contact.suppressed",
  "contact.lifted",
  "contact.erased",
  "pipe.paused",
] as const;

/** `at`: ms. */
export interface Notice {
  seq: number;
  id: string;
  type: (typeof NOTICE_TYPES)[number];
  at: number;
  contact: string | null;
  source: string | null;
  data: Record<string, unknown>;
}

/** While nobody listens nothing is written. */
const HEARD = "EXISTS (SELECT 1 FROM pipes)";

const INSERT = "INSERT INTO notices (id, type, at, contact, source, data)";

/** What of a contact's new state the row of `json_each(?1)` (see contactRow) tells, where that version is in force. */
const TOLD = `json_each(?1) AS rows
  JOIN contacts AS c ON c.contact = rows.value->>0 AND c.version = rows.value->>1`;
const ENTRY = `${TOLD}, json_each(rows.value, '$[4]') AS s
  LEFT JOIN suppressions AS o ON o.contact = c.contact AND o.reason = s.value->>0 AND o.scope = s.value->>1
    AND o.event = s.value->>2`;
const WAS_IN_FORCE = "o.event IS NOT NULL AND o.lifted_at IS NULL AND o.held IS NULL";

/**
 * Statements for between the contacts' and their suppressions' upserts: they compare what is stored with what is told. Bind
 * the contacts' rows as ?1. Ids name what happened, so that the same happens once.
 */
export const TELL_CHANGES: readonly string[] = [
  `${INSERT}
   SELECT rows.value->>6 || '-suppressed-' || (s.value->>0) || '-' || (s.value->>2), 'contact.suppressed', s.value->>4,
     c.contact, s.value->>3,
     json_object('reason', s.value->>0, 'scope', nullif(s.value->>1, ''), 'event', s.value->>2, 'by', s.value->>5,
       'note', s.value->>6)
   FROM ${ENTRY}
   WHERE ${HEARD} AND s.value->>7 IS NULL AND s.value->>10 IS NULL AND NOT (${WAS_IN_FORCE})
   ON CONFLICT (id) DO NOTHING`,
  `${INSERT}
   SELECT rows.value->>6 || '-lifted-' || (s.value->>0) || '-' || (s.value->>2), 'contact.lifted', s.value->>7,
     c.contact, s.value->>3,
     json_object('reason', s.value->>0, 'scope', nullif(s.value->>1, ''), 'event', s.value->>2, 'by', s.value->>8,
       'note', s.value->>9)
   FROM ${ENTRY}
   WHERE ${HEARD} AND s.value->>7 IS NOT NULL AND ${WAS_IN_FORCE}
   ON CONFLICT (id) DO NOTHING`,
  // What a state does not know any more was a mistake: history was read anew.
  `${INSERT}
   SELECT rows.value->>6 || '-withdrawn-' || o.reason || '-' || o.event, 'contact.lifted', c.version, c.contact, o.source,
     json_object('reason', o.reason, 'scope', nullif(o.scope, ''), 'event', o.event, 'by', NULL, 'note',
       'its evidence is read differently now')
   FROM ${TOLD}
   JOIN suppressions AS o ON o.contact = c.contact AND o.version < c.version
   WHERE ${HEARD} AND ${WAS_IN_FORCE} AND NOT EXISTS (
     SELECT 1 FROM json_each(rows.value, '$[4]') AS s
     WHERE s.value->>0 = o.reason AND s.value->>1 = o.scope AND s.value->>2 = o.event)
   ON CONFLICT (id) DO NOTHING`,
];

/** For the transaction that removes an erased contact's rows; ?1: the erasure's id. Once for each tombstone. */
export const TELL_ERASED = `${INSERT}
  SELECT x.prefix || '-erased-' || x.tombstone, 'contact.erased', x.erased_at, x.contact, NULL,
    json_object('erasure', x.id)
  FROM erasures AS x WHERE x.id = ?1 AND x.contact IS NOT NULL AND x.begun = 1 AND ${HEARD}
  ON CONFLICT (id) DO NOTHING`;

/** What was told of the contact before goes with it. */
export const DELETE_TOLD = `DELETE FROM notices WHERE seq IN (
  SELECT n.seq FROM erasures AS x CROSS JOIN notices AS n
    ON n.id >= x.prefix || '-' AND n.id < x.prefix || '.' AND n.contact = x.contact
  WHERE x.id = ?1 AND x.contact IS NOT NULL AND n.type <> 'contact.erased' AND n.at <= x.erased_at)`;

/** Tells of a pipe that it was paused. `at`: ms. */
export function tellPaused(
  db: D1Database,
  { pipe, name, reason, at }: { pipe: string; name: string; reason: string; at: number },
): D1PreparedStatement {
  return db
    .prepare(`${INSERT} VALUES (?1, 'pipe.paused', ?2, NULL, NULL, ?3) ON CONFLICT (id) DO NOTHING`)
    .bind(`${pipe}-paused-${at}`, at, JSON.stringify({ pipe, name, reason }));
}

type Row = Omit<Notice, "data"> & { data: string };

const toNotice = (row: Row): Notice => ({ ...row, data: JSON.parse(row.data) as Notice["data"] });

/** Notices behind the seq, in order, at most `limit`. */
export async function readNotices(
  db: Db,
  { after, limit }: { after: number; limit: number },
): Promise<Notice[]> {
  const { results } = await db
    .prepare(
      "SELECT seq, id, type, at, contact, source, data FROM notices WHERE seq > ?1 ORDER BY seq LIMIT ?2",
    )
    .bind(after, limit)
    .all<Row>();
  return results.map(toNotice);
}

/** Those with these places, as far as they are still there. */
export async function readNoticeSeqs(db: Db, seqs: readonly number[]): Promise<Notice[]> {
  const { results } = await db
    .prepare(
      `SELECT n.seq, n.id, n.type, n.at, n.contact, n.source, n.data
       FROM json_each(?1) AS s CROSS JOIN notices AS n ON n.seq = s.value ORDER BY n.seq`,
    )
    .bind(JSON.stringify(seqs))
    .all<Row>();
  return results.map(toNotice);
}

export async function noticesEnd(db: Db): Promise<number> {
  return (await db.prepare("SELECT max(seq) AS n FROM notices").first<number>("n")) ?? 0;
}

/** How long a notice waits for a pipe that does not move, ms. */
const NOTICES_LIVE = 35 * 86_400_000;

/** Drops what every pipe is past (until the seq `passed`), and what is too old. `now`: ms. */
export async function forgetNotices(db: D1Database, passed: number, now: number): Promise<void> {
  await db.batch([
    db.prepare("DELETE FROM notices WHERE seq <= ?1").bind(passed),
    db
      .prepare(
        `DELETE FROM notices WHERE seq IN (
           SELECT seq FROM (SELECT seq, at FROM notices ORDER BY seq LIMIT 1000) WHERE at < ?1)`,
      )
      .bind(now - NOTICES_LIVE),
  ]);
}
