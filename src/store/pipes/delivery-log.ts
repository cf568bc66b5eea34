// The log of deliveries: every attempt that failed, and a sample of those that did not.

import { contactPrefix } from "../../model/event-id.ts";
import { rangeOf } from "../events/events.ts";
import { firstIdAt } from "../../lib/time-id.ts";
import type { Db } from "../db.ts";

export const OUTCOMES = [
  "delivered",
  "refused",
  "unavailable",
  "slow_down",
  "denied",
  "gone",
  "not_evaluated",
  "given_up",
] as const;

/** Times in ms. */
export interface AttemptRecord {
  /** `<pipe>.<time and chance>` */
  id: string;
  /** Ids of the events that went together. */
  events: readonly string[];
  n: number;
  at: number;
  outcome: (typeof OUTCOMES)[number];
  status: number | null;
  took: number;
  try: number;
  reason: string | null;
  excerpt: string | null;
}

/** Ids that are kept of an attempt: all, for no kind takes more in a request. */
const MOST_IDS = 1_000;

/**
 * Notes a pipe's attempts, at most some hundred at a time, unless the pipe was deleted. Each costs two rows.
 */
export async function noteAttempts(
  db: D1Database,
  pipe: string,
  attempts: readonly AttemptRecord[],
): Promise<void> {
  if (attempts.length === 0) return;
  const rows = attempts.map((one) => {
    const { id, events, n, at, outcome, status, took, reason, excerpt } = one;
    const single = n === 1 ? (events[0] ?? null) : null;
    return [id, single, events.slice(0, MOST_IDS), n, at, outcome, status, took, one.try, reason, excerpt];
  });
  await db
    .prepare(
      `INSERT INTO attempts (id, event, events, n, at, outcome, status, took, try, reason, excerpt)
       SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7, value->>8, value->>9,
         value->>10
       FROM json_each(?1) WHERE EXISTS (SELECT 1 FROM pipes WHERE id = ?2 AND deleted_at IS NULL) ON CONFLICT DO NOTHING`,
    )
    .bind(JSON.stringify(rows), pipe)
    .run();
}

export interface AttemptFilter {
  pipe?: string | undefined;
  event?: string | undefined;
  contact?: string | undefined;
  outcome?: string | undefined;
  /** Id of the last one of the page before. */
  before?: string | undefined;
  limit: number;
}

type Row = Omit<AttemptRecord, "events"> & { events: string };

const COLUMNS = "a.id, a.events, a.n, a.at, a.outcome, a.status, a.took, a.try, a.reason, a.excerpt";

/** Attempts, the latest first, of a pipe, an event or a contact: one of them at least. */
export async function listAttempts(db: Db, filter: AttemptFilter): Promise<AttemptRecord[]> {
  const { pipe, event, contact, outcome, before, limit } = filter;
  const [low, high] = event !== undefined ? [event, `${event}!`] : rangeOf(contact ?? "");
  const within = event !== undefined ? JSON.stringify(event) : `"${contactPrefix(contact ?? "")}`;
  const single = event !== undefined || contact !== undefined;
  const [sql, values] = single
    ? [
        `SELECT ${COLUMNS} FROM (
           SELECT * FROM attempts INDEXED BY attempts_event WHERE event >= ?1 AND event < ?2
           UNION ALL SELECT * FROM attempts INDEXED BY attempts_batch WHERE event IS NULL AND instr(events, ?7) > 0) AS a
         WHERE (?3 IS NULL OR a.id LIKE ?3 || '.%') AND (?4 IS NULL OR a.outcome = ?4)
           AND (?5 IS NULL OR (a.at || a.id) < (SELECT b.at || b.id FROM attempts AS b WHERE b.id = ?5))
         ORDER BY a.at || a.id DESC LIMIT ?6`,
        [low, high, pipe ?? null, outcome ?? null, before ?? null, limit, within],
      ]
    : [
        `SELECT ${COLUMNS} FROM attempts AS a WHERE a.id >= ?1 AND a.id < ?2 AND (?3 IS NULL OR a.outcome = ?3)
         ORDER BY a.id DESC LIMIT ?4`,
        [`${pipe}.`, before ?? `${pipe}/`, outcome ?? null, limit],
      ];
  const { results } = await db
    .prepare(sql)
    .bind(...values)
    .all<Row>();
  return results.map((row) => ({ ...row, events: JSON.parse(row.events) as string[] }));
}

/** For the transaction that erases a contact: its ids go from the attempts that it shares with others; ?1: the erasure's id. */
export const LEAVE_ATTEMPTS = `
  UPDATE attempts INDEXED BY attempts_batch
  SET events = (SELECT json_group_array(value) FROM json_each(attempts.events) WHERE value NOT LIKE x.prefix || '%')
  FROM erasures AS x
  WHERE x.id = ?1 AND x.contact IS NOT NULL AND attempts.event IS NULL AND instr(attempts.events, '"' || x.prefix) > 0`;
/** For the same: the attempts that were its own. */
export const DELETE_ATTEMPTS = `DELETE FROM attempts WHERE id IN (
  SELECT a.id FROM erasures AS x CROSS JOIN attempts AS a INDEXED BY attempts_event
    ON a.event >= x.prefix AND a.event < x.prefix || '~'
  WHERE x.id = ?1 AND x.contact IS NOT NULL)`;

/** How long an attempt stays in the log, ms. */
const ATTEMPTS_LIVE = 30 * 86_400_000;
const MOST_AT_ONCE = 5_000;

/** Drops a pipe's old attempts, or all of them, some thousand at a time. `now`: ms; null for all. Whether none is left. */
export async function forgetAttempts(db: D1Database, pipe: string, now: number | null): Promise<boolean> {
  const end = now === null ? `${pipe}/` : `${pipe}.${firstIdAt(now - ATTEMPTS_LIVE)}`;
  const { meta } = await db
    .prepare(
      `DELETE FROM attempts WHERE id IN (SELECT id FROM attempts WHERE id >= ?1 AND id < ?2 LIMIT ${MOST_AT_ONCE})`,
    )
    .bind(`${pipe}.`, end)
    .run();
  return meta.changes < MOST_AT_ONCE;
}
