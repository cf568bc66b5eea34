// Deletes the rows of a contact that is erased, in one shard. The shard's row of the request says whose they are and up to
// when, so that no transaction that comes later can bring them back: see src/store/write/refuse-erased.ts.

import { CONTACT_CHARS } from "../../model/event-id.ts";
import type { SuppressionReason } from "../../model/suppression/policy.ts";
import type { Db } from "../db.ts";
import { leaveFeed } from "../feed-rows.ts";
import { DELETE_ATTEMPTS, LEAVE_ATTEMPTS } from "../pipes/delivery-log.ts";
import { EMPTY_TOLD, INSERT_ERASED_EVENTS } from "../pipes/system-events.ts";
import { isOf } from "../prefix-range.ts";
import { goneFrom } from "../write/counters.ts";
import { COUNT_REST } from "../write/counting.ts";
import { endedMessages } from "../write/ended-messages.ts";
import { DROP_ERASED_FIRSTS } from "../write/firsts.ts";

/** Most events that one transaction deletes. */
const SLICE = 5_000;

const DOOMED = `SELECT e.id FROM erasures AS x CROSS JOIN events AS e ON ${isOf("e", "x")}
  AND e.received_at <= x.erased_at WHERE x.id = ?1 LIMIT ${SLICE}`;
const DOOMED_EVENTS = `(SELECT * FROM events WHERE id IN (${DOOMED}))`;

const NOTE_TOMBSTONE = `
  UPDATE erasures SET begun = 1, erased_at = ?2, version = ?3, claims = claims + ?4,
    kept_reason = coalesce(kept_reason, ?5, (SELECT suppressed FROM contacts AS c WHERE c.contact = erasures.contact),
      (SELECT reason FROM erased WHERE erased.hash = erasures.hash)),
    kept_since = coalesce(kept_since, ?6, (SELECT since FROM contacts AS c WHERE c.contact = erasures.contact),
      (SELECT since FROM erased WHERE erased.hash = erasures.hash))
  WHERE id = ?1 AND contact IS NOT NULL AND begun = 0 AND tombstone = ?7`;

const KEEP_HASH = `
  INSERT INTO erased (hash, reason, since) SELECT hash, kept_reason, kept_since FROM erasures
  WHERE id = ?1 AND kept_reason IS NOT NULL AND erased_at IS NOT NULL ON CONFLICT DO NOTHING`;

/** The messages whose events are all deleted; a message with later events keeps its row. */
const OWN_MESSAGES = endedMessages(
  `SELECT message_id, substr(id, 1, ${CONTACT_CHARS}) FROM ${DOOMED_EVENTS} WHERE message_id IS NOT NULL`,
  "(SELECT contact, prefix, erased_at FROM erasures WHERE id = ?1)",
  "(e.received_at > who.erased_at OR e.contact <> who.contact)",
);

const COUNT = `
  UPDATE erasures AS x SET
    events = events + (SELECT count(*) FROM (${DOOMED})),
    messages = messages + (SELECT count(*) FROM message_rows WHERE (message_id, prefix) IN (${OWN_MESSAGES})),
    contacts = max(contacts, EXISTS (${DOOMED}),
      EXISTS (SELECT 1 FROM contacts AS c WHERE c.contact = x.contact AND c.version <= x.version)),
    suppressions = suppressions +
      (SELECT count(*) FROM suppressions AS s WHERE s.contact = x.contact AND s.version <= x.version)
  WHERE x.id = ?1 AND x.contact IS NOT NULL`;

const DELETE_MESSAGES = `DELETE FROM message_rows WHERE (message_id, prefix) IN (${OWN_MESSAGES})`;
const LEAVE_WORDS = `UPDATE unknown_words SET event = NULL
  WHERE event IN (${DOOMED})`;
const LEAVE_FEED = leaveFeed(`SELECT id, seq FROM ${DOOMED_EVENTS}`);
const DELETE_EVENTS = `DELETE FROM event_rows WHERE id IN (${DOOMED})`;
const DELETE_OTHERS = ["contacts", "suppressions"].map(
  (table) => `DELETE FROM ${table} WHERE (contact, version) IN (
    SELECT t.contact, t.version FROM erasures AS x CROSS JOIN ${table} AS t
    ON t.contact = x.contact AND t.version <= x.version WHERE x.id = ?1)`,
);

/** That the contact was among those of a decision in bulk: without it the decision cannot be taken back for the contact. */
export const LEAVE_DECISIONS = `DELETE FROM bulk_decided WHERE contact = (SELECT contact FROM erasures WHERE id = ?1)`;

/** What the contact's object reports about the tombstone that it holds; times in ms. */
export interface PlacedTombstone {
  id: string;
  at: number;
  version: number;
  claims: number;
  kept: { reason: SuppressionReason; at: number } | null;
}

/** For the home alone: pipes and their log lie there, and the hash of what outlives the contact. */
const IN_HOME = [INSERT_ERASED_EVENTS, LEAVE_ATTEMPTS, DELETE_ATTEMPTS, KEEP_HASH];

/**
 * Deletes the contact's rows, a slice of its events at a time, and counts them in the same transaction. After the first
 * of these transactions no other transaction can bring rows back. `id`: the erasure's; `isHome`: whether this is the
 * shard with the receipt.
 */
export async function removeRows(
  db: Db,
  id: string,
  tombstone: PlacedTombstone,
  isHome: boolean,
): Promise<void> {
  const { at, version, claims, kept } = tombstone;
  const values = [at, version, claims, kept?.reason ?? null, kept?.at ?? null, tombstone.id];
  const statements = [
    ...COUNT_REST.map((sql) => db.prepare(sql)),
    db.prepare(NOTE_TOMBSTONE).bind(id, ...values),
    ...[
      ...(isHome ? IN_HOME : []),
      EMPTY_TOLD,
      COUNT,
      ...goneFrom(DOOMED_EVENTS),
      DELETE_MESSAGES,
      LEAVE_WORDS,
      LEAVE_DECISIONS,
      LEAVE_FEED,
    ].map((sql) => db.prepare(sql).bind(id)),
    db.prepare(DROP_ERASED_FIRSTS).bind(id),
    db.prepare(DELETE_EVENTS).bind(id),
    ...DELETE_OTHERS.map((sql) => db.prepare(sql).bind(id)),
  ];
  const place = statements.length - DELETE_OTHERS.length - 1;
  for (;;) {
    const results = await db.batch(statements);
    if ((results[place]?.meta.changes ?? 0) < SLICE) return;
  }
}
