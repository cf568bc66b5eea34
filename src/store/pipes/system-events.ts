// System events: what Tidings itself reports to pipes, beside what providers report. A contact was suppressed, its
// suppression lifted, it was erased; a pipe was paused, or resumed. They form a feed of their own in each database, in the
// table `notices`. Each is written in the transaction that makes it true, those about suppressions by triggers
// (0007_pipes.sql). They do not move with their contacts.

import type { Db } from "../db.ts";
import { positionBy } from "../events/feeds.ts";
import { earliestOf, feedOf, lastSeqOf, seqsOfFeed, type FeedPosition } from "../feed-position.ts";
import { DAY } from "../../lib/time.ts";
import type { Shards } from "../shards.ts";

/** All types of system events. */
export const SYSTEM_EVENT_TYPES = [
  "contact.suppressed",
  "contact.lifted",
  "contact.erased",
  "pipe.paused",
  "pipe.resumed",
] as const;

/** A system event. `at`: when it happened, ms; `contact` and `source`: null if it concerns none. */
export interface SystemEvent {
  /** When it became known, ms: its evidence may have happened long before. */
  told: number;
  /** Its place in the feed of system events. */
  seq: number;
  id: string;
  type: (typeof SYSTEM_EVENT_TYPES)[number];
  at: number;
  contact: string | null;
  source: string | null;
  data: Record<string, unknown>;
}

const INSERT = "INSERT INTO notices (id, type, at, told, contact, source, data)";

/**
 * Reports an erasure, once for each tombstone. Part of the transaction that removes a contact's rows; ?1: the erasure's
 * id.
 */
export const INSERT_ERASED_EVENTS = `${INSERT}
  SELECT x.tombstone || '-erased', 'contact.erased', x.erased_at, x.erased_at, x.contact, NULL,
    json_object('erasure', x.id)
  FROM erasures AS x WHERE x.id = ?1 AND x.contact IS NOT NULL AND x.begun = 1 AND EXISTS (SELECT 1 FROM pipes)
  ON CONFLICT (id) DO NOTHING`;

/** Empties a row that must not be read any more. */
const EMPTIED = "type = 'gone', id = 'gone-' || seq, contact = NULL, source = NULL, data = '{}'";

/** Empties the system events about an erased contact that are older than its erasure. ?1: the erasure's id. */
export const EMPTY_TOLD = `UPDATE notices SET ${EMPTIED} WHERE seq IN (
  SELECT n.seq FROM erasures AS x CROSS JOIN notices AS n ON n.contact = x.contact
  WHERE x.id = ?1 AND x.contact IS NOT NULL AND n.type <> 'contact.erased' AND n.at <= x.erased_at)`;

/** Reports that a pipe was paused. `at`: ms. */
export function pausedEventStatement(
  db: D1Database,
  { pipe, name, reason, at }: { pipe: string; name: string; reason: string; at: number },
): D1PreparedStatement {
  return db
    .prepare(`${INSERT} VALUES (?1, 'pipe.paused', ?2, ?2, NULL, NULL, ?3) ON CONFLICT (id) DO NOTHING`)
    .bind(`${pipe}-paused-${at}`, at, JSON.stringify({ pipe, name, reason }));
}

/** Reports that a pipe runs again that was paused. `at`: ms. */
export function resumedEventStatement(
  db: D1Database,
  { pipe, at }: { pipe: string; at: number },
): D1PreparedStatement {
  return db
    .prepare(
      `${INSERT} SELECT ?3, 'pipe.resumed', ?2, ?2, NULL, NULL, json_object('pipe', id, 'name', name)
       FROM pipes WHERE id = ?1 AND paused IS NOT NULL AND deleted_at IS NULL ON CONFLICT (id) DO NOTHING`,
    )
    .bind(pipe, at, `${pipe}-resumed-${at}`);
}

type Row = Omit<SystemEvent, "data"> & { data: string };

const toSystemEvent = (row: Row): SystemEvent => ({
  ...row,
  data: JSON.parse(row.data) as SystemEvent["data"],
});

/** The next system events of one feed behind the position, in order, at most `limit`. */
export async function readSystemEvents(
  { all }: Shards,
  feed: number,
  { after, limit }: { after: FeedPosition; limit: number },
): Promise<SystemEvent[]> {
  const shard = all[feed];
  if (shard === undefined) return [];
  const { results } = await shard.db
    .prepare(
      "SELECT seq, id, type, at, told, contact, source, data FROM notices WHERE seq > ?1 AND type <> 'gone' ORDER BY seq LIMIT ?2",
    )
    .bind(lastSeqOf(after, feed), limit)
    .all<Row>();
  return results.map(toSystemEvent);
}

/** The system events with these seqs, as far as they are still stored. */
export async function readSystemEventSeqs(
  { all, home }: Shards,
  seqs: readonly number[],
): Promise<SystemEvent[]> {
  if (all.length === 1) return await systemEventsAt(home, seqs);
  const parts = await Promise.all(
    [...Map.groupBy(seqs, feedOf)].map(async ([feed, own]) => {
      const shard = all[feed];
      return shard === undefined ? [] : await systemEventsAt(shard.db, own);
    }),
  );
  return parts.flat().toSorted((one, other) => one.seq - other.seq);
}

async function systemEventsAt(db: Db, seqs: readonly number[]): Promise<SystemEvent[]> {
  const { results } = await db
    .prepare(
      `SELECT n.seq, n.id, n.type, n.at, n.told, n.contact, n.source, n.data
       FROM json_each(?1) AS s CROSS JOIN notices AS n ON n.seq = s.value AND n.type <> 'gone' ORDER BY n.seq`,
    )
    .bind(JSON.stringify(seqs))
    .all<Row>();
  return results.map(toSystemEvent);
}

/** Where single system events lie, and whom they concern. */
export type PlacedSystemEvent = Pick<SystemEvent, "id" | "seq" | "contact">;

/** The system events with these ids that are still stored. */
export async function placeSystemEvents(
  { all }: Shards,
  ids: readonly string[],
): Promise<PlacedSystemEvent[]> {
  const parts = await Promise.all(
    all.map(async ({ db }) => {
      const { results } = await db
        .prepare(
          `SELECT n.id, n.seq, n.contact FROM json_each(?1) AS i CROSS JOIN notices AS n ON n.id = i.value AND n.type <> 'gone'`,
        )
        .bind(JSON.stringify(ids))
        .all<PlacedSystemEvent>();
      return results;
    }),
  );
  return parts.flat();
}

/** The seq of a database's last system event; 0 before the first one. */
export async function endOfSystemEvents(db: Db): Promise<number> {
  return (await db.prepare("SELECT max(seq) AS n FROM notices").first<number>("n")) ?? 0;
}

/** The position behind the last system event of each feed. */
export async function systemEventsEnd(shards: Shards): Promise<FeedPosition> {
  return await positionBy(shards, async ({ db }) => await endOfSystemEvents(db));
}

/** The position behind the last system events that were reported before `time` (ms). */
export async function systemEventsBefore(shards: Shards, time: number): Promise<FeedPosition> {
  return await positionBy(shards, async ({ db }) => {
    const before = db.prepare("SELECT max(seq) AS n FROM notices WHERE told < ?1").bind(time);
    return (await before.first<number>("n")) ?? 0;
  });
}

/** How long a system event waits for a pipe that does not move, ms. */
const NOTICES_LIVE = 35 * DAY;
/** How long it stays after that, ms: as long as the log of deliveries, from which it may be asked for again. */
const KEPT_FOR = 30 * DAY;
/** How many of the oldest ones a run looks at. */
const A_RUN = 200;

/**
 * Deletes old system events: those that every pipe has passed after 30 days, or at once if they name an erased contact
 * or there are no pipes; those that a pipe has not passed after 35 days. `pipes`: the position of each pipe,
 * by its id. Nothing is deleted while there is a pipe that is not among them: it was made meanwhile, and may begin
 * earlier. The pipes stand in the home alone, so elsewhere nothing is deleted behind `end`, which is to be read before the
 * pipes: a pipe that is made later begins behind it, or with what is left. `now`: ms.
 */
export async function forgetSystemEvents(
  { all }: Shards,
  { pipes, end }: { pipes: ReadonlyMap<string, FeedPosition>; end: FeedPosition },
  now: number,
): Promise<void> {
  const earliest = earliestOf([...pipes.values()]);
  const ids = JSON.stringify([...pipes.keys()]);
  await Promise.all(
    all.map(async ({ db, index }) => {
      const { last } = seqsOfFeed(index);
      const passed = earliest === null ? last : lastSeqOf(earliest, index);
      const rest = { passed, keptSince: earliest === null ? now : now - KEPT_FOR, now };
      await forgetIn(db, rest, index === 0 ? { ids } : { end: lastSeqOf(end, index) });
    }),
  );
}

/** Deletes in one database. `bound`: the pipes that are known, or the last seq that may be deleted. */
async function forgetIn(
  db: Db,
  { passed, keptSince, now }: { passed: number; keptSince: number; now: number },
  bound: { ids: string } | { end: number },
): Promise<void> {
  const [known, value] =
    "ids" in bound
      ? [
          "NOT EXISTS (SELECT 1 FROM pipes WHERE deleted_at IS NULL AND id NOT IN (SELECT value FROM json_each(?3)))",
          bound.ids,
        ]
      : ["seq <= ?3", bound.end];
  const isOver = "type = 'contact.erased' OR told < ?4";
  const done = `(seq <= ?1 AND (${isOver}) OR told < ?2) AND ${known}`;
  const values = [passed, now - NOTICES_LIVE, value, keptSince];
  const last = "(SELECT max(seq) FROM notices)";
  await db.batch([
    db
      .prepare(
        `DELETE FROM notices WHERE seq IN (SELECT seq FROM (SELECT seq, type, told FROM notices ORDER BY seq LIMIT ${A_RUN})
           WHERE ${done} AND seq < ${last})`,
      )
      .bind(...values),
    db
      .prepare(
        `DELETE FROM notices INDEXED BY notices_erased WHERE type = 'contact.erased' AND seq <= ?1 AND seq < ${last}
           AND ${known.replace("?3", "?2")}`,
      )
      .bind(passed, value),
    db
      .prepare(`UPDATE notices SET ${EMPTIED} WHERE seq = ${last} AND ${done} AND type <> 'gone'`)
      .bind(...values),
  ]);
}
