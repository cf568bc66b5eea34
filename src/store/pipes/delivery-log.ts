// The log of deliveries: every attempt that failed, and a sample of those that succeeded. It is for people to read;
// whether an event was passed on is decided by the pipe's object alone.

import { contactPrefix } from "../../model/event-id.ts";
import { beginsWith, endOf, rangeOf } from "../prefix-range.ts";
import { firstIdAt } from "../../lib/time-id.ts";
import type { Db } from "../db.ts";
import { inPieces } from "../json-pieces.ts";
import { DAY } from "../../lib/time.ts";

/** How an attempt ended: as its destination answered, or, without an attempt, why the event was not sent. */
export const OUTCOMES = [
  "delivered",
  "skipped",
  "refused",
  "unavailable",
  "slow_down",
  "denied",
  "gone",
  "not_evaluated",
  "given_up",
] as const;

/** An attempt as the log keeps it; times in ms. */
export interface AttemptRecord {
  /** `<pipe>.<time and chance>`: a pipe's attempts sort by time. */
  id: string;
  /** Ids of the events that were sent in one request. */
  events: readonly string[];
  /** How many events these were. */
  n: number;
  at: number;
  outcome: (typeof OUTCOMES)[number];
  /** The response's status; null without a response. */
  status: number | null;
  took: number;
  /** Which try of its event it was, from 1. */
  try: number;
  reason: string | null;
  /** The beginning of the response, without addresses. */
  excerpt: string | null;
}

/** The most event ids that the log keeps of one attempt: all of them, because no kind takes more in a request. */
const MOST_IDS = 1_000;

/** The longest reason that the log keeps, in UTF-16 units. */
const MOST_REASON = 1_000;

/** Adds a pipe's attempts to the log, unless the pipe was deleted. Each costs two rows. */
export async function noteAttempts(
  db: D1Database,
  pipe: string,
  attempts: readonly AttemptRecord[],
): Promise<void> {
  if (attempts.length === 0) return;
  const rows = attempts.map((attempt) => {
    const { id, events, n, at, outcome, status, took, reason, excerpt } = attempt;
    const single = n === 1 ? (events[0] ?? null) : null;
    const short = reason?.slice(0, MOST_REASON).toWellFormed() ?? null;
    const row = [
      id,
      single,
      events.slice(0, MOST_IDS),
      n,
      at,
      outcome,
      status,
      took,
      attempt.try,
      short,
      excerpt,
    ];
    return JSON.stringify(row);
  });
  const statement = db.prepare(
    `INSERT INTO attempts (id, event, events, n, at, outcome, status, took, try, reason, excerpt)
     SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7, value->>8, value->>9,
       value->>10
     FROM json_each(?1) WHERE EXISTS (SELECT 1 FROM pipes WHERE id = ?2 AND deleted_at IS NULL) ON CONFLICT DO NOTHING`,
  );
  await db.batch(inPieces(rows).map((piece) => statement.bind(piece, pipe)));
}

/** Which attempts to list: at least one of `pipe`, `event` and `contact` is set. */
export interface AttemptFilter {
  pipe?: string | undefined;
  event?: string | undefined;
  contact?: string | undefined;
  outcome?: readonly string[] | undefined;
  /** Id of the last attempt of the page before. */
  before?: string | undefined;
  limit: number;
}

type Row = Omit<AttemptRecord, "events"> & { events: string };

const COLUMNS = "a.id, a.events, a.n, a.at, a.outcome, a.status, a.took, a.try, a.reason, a.excerpt";

/** Attempts that match, the latest first. An event is also found if it was sent together with others. */
export async function listAttempts(db: Db, filter: AttemptFilter): Promise<AttemptRecord[]> {
  const { pipe, event, contact, outcome, before, limit } = filter;
  const outcomes = outcome === undefined ? null : JSON.stringify(outcome);
  // The range of one event holds that id alone, because "!" sorts before every character of an id.
  const [low, high] = event !== undefined ? [event, `${event}!`] : rangeOf(contact ?? "");
  const within = event !== undefined ? JSON.stringify(event) : `"${contactPrefix(contact ?? "")}`;
  const single = event !== undefined || contact !== undefined;
  const [sql, values] = single
    ? [
        `SELECT ${COLUMNS} FROM (
           SELECT * FROM attempts INDEXED BY attempts_event WHERE event >= ?1 AND event < ?2
           UNION ALL SELECT * FROM attempts INDEXED BY attempts_batch WHERE event IS NULL AND instr(events, ?7) > 0) AS a
         WHERE (?3 IS NULL OR (a.id >= ?3 || '.' AND a.id < ?3 || '.~')) AND (?4 IS NULL OR a.outcome IN (SELECT value FROM json_each(?4)))
           AND (?5 IS NULL OR (a.at || a.id) < (SELECT b.at || b.id FROM attempts AS b WHERE b.id = ?5))
         ORDER BY a.at || a.id DESC LIMIT ?6`,
        [low, high, pipe ?? null, outcomes, before ?? null, limit, within],
      ]
    : [
        `SELECT ${COLUMNS} FROM attempts AS a WHERE a.id >= ?1 AND a.id < ?2 AND (?3 IS NULL OR a.outcome IN (SELECT value FROM json_each(?3)))
         ORDER BY a.id DESC LIMIT ?4`,
        [`${pipe}.`, before ?? endOf(`${pipe}.`), outcomes, limit],
      ];
  const { results } = await db
    .prepare(sql)
    .bind(...values)
    .all<Row>();
  return results.map((row) => ({ ...row, events: JSON.parse(row.events) as string[] }));
}

/** Which events of one pipe's log are wanted: those of attempts that ended so, from `from` until `to`, ms. */
export interface OutcomeRange {
  pipe: string;
  outcomes: readonly AttemptRecord["outcome"][];
  from: number;
  to: number;
  /** Id of the last attempt that was looked at; null at the beginning. */
  after: string | null;
}

/** A page of a pipe's log. */
export interface OutcomePage {
  /** Ids of the events, an event once for each of its attempts. */
  events: string[];
  /** Id of the last attempt that was looked at; null at the end of the range. */
  after: string | null;
}

/**
 * The events of the next `limit` attempts of a range. Events that were given up are found by an index of their own; for
 * other outcomes each attempt of the range is looked at.
 */
export async function eventsByOutcome(
  db: Db,
  { pipe, outcomes, from, to, after }: OutcomeRange,
  limit: number,
): Promise<OutcomePage> {
  const isGivenUp = outcomes.every((outcome) => outcome === "given_up");
  const range = "id > ?1 AND id < ?2 ORDER BY id LIMIT ?3";
  const sql = isGivenUp
    ? `SELECT id, events FROM attempts INDEXED BY attempts_given_up WHERE outcome = 'given_up' AND ${range}`
    : `SELECT id, iif(outcome IN (SELECT value FROM json_each(?4)), events, '[]') AS events FROM attempts WHERE ${range}`;
  const bounds = [after ?? `${pipe}.${firstIdAt(from)}`, `${pipe}.${firstIdAt(to)}`, limit];
  const { results } = await db
    .prepare(sql)
    .bind(...bounds, ...(isGivenUp ? [] : [JSON.stringify(outcomes)]))
    .all<{ id: string; events: string }>();
  const events = results.flatMap((row) => JSON.parse(row.events) as string[]);
  return { events, after: results.length === limit ? (results.at(-1)?.id ?? null) : null };
}

/** Removes an erased contact's event ids from attempts that other contacts share. ?1: the erasure's id. */
export const LEAVE_ATTEMPTS = `
  UPDATE attempts INDEXED BY attempts_batch
  SET events = (SELECT json_group_array(value) FROM json_each(attempts.events) WHERE substr(value, 1, length(x.prefix)) <> x.prefix)
  FROM erasures AS x
  WHERE x.id = ?1 AND x.contact IS NOT NULL AND attempts.event IS NULL AND instr(attempts.events, '"' || x.prefix) > 0`;
/** Deletes the attempts that were for an erased contact alone. ?1: the erasure's id. */
export const DELETE_ATTEMPTS = `DELETE FROM attempts WHERE id IN (
  SELECT a.id FROM erasures AS x CROSS JOIN attempts AS a INDEXED BY attempts_event
    ON ${beginsWith("a.event", "x.prefix")}
  WHERE x.id = ?1 AND x.contact IS NOT NULL)`;

/** How long an attempt stays in the log, ms. */
export const ATTEMPTS_LIVE = 30 * DAY;
const MOST_AT_ONCE = 5_000;

/**
 * Deletes a pipe's attempts, at most 5,000 at a time: the old ones if `now` (ms) is given, all if it is null. Returns
 * whether none of these is left.
 */
export async function forgetAttempts(db: D1Database, pipe: string, now: number | null): Promise<boolean> {
  const end = now === null ? endOf(`${pipe}.`) : `${pipe}.${firstIdAt(now - ATTEMPTS_LIVE)}`;
  const { meta } = await db
    .prepare(
      `DELETE FROM attempts WHERE id IN (SELECT id FROM attempts WHERE id >= ?1 AND id < ?2 LIMIT ${MOST_AT_ONCE})`,
    )
    .bind(`${pipe}.`, end)
    .run();
  return meta.changes < MOST_AT_ONCE;
}
