// Reads of contacts' events by their ranges of the id index. A busy contact, such as a monitored address, may have a
// million events, so every read is bounded whatever the range holds.

import type { StoredEvent } from "../../model/event-fields.ts";
import type { Db } from "../db.ts";
import { isLatestIn, rangeOf, type IdRange } from "../prefix-range.ts";
import { COLUMN_NAMES, toEvents, type EventColumnsRow } from "./event-columns.ts";
import { isCut, MOST_BYTES, sizeOfEvent, withinBytes, type SizedRow } from "../within-bytes.ts";

const COLUMNS = COLUMN_NAMES.map((name) => `events.${name}`).join(", ");

/** The most events of contacts that one query sorts, or looks through. */
export const MOST_OF_CONTACTS = 10_000;

/** Whether the contacts have more than ten thousand events altogether. */
export async function areBusy(db: Db, contacts: readonly string[]): Promise<boolean> {
  return await areBusyIn(db, contacts.map(rangeOf));
}

/** Whether more than ten thousand events lie in these ranges of ids. */
export async function areBusyIn(db: Db, ranges: readonly IdRange[]): Promise<boolean> {
  const n = await db
    .prepare(
      `SELECT count(*) AS n FROM (SELECT 1 FROM json_each(?1) AS c CROSS JOIN event_rows AS e
         ON e.id >= c.value->>0 AND e.id < c.value->>1 LIMIT ${MOST_OF_CONTACTS + 1})`,
    )
    .bind(JSON.stringify(ranges))
    .first<number>("n");
  return (n ?? 0) > MOST_OF_CONTACTS;
}

const TIMELINE = withinBytes("events", {
  keys: `SELECT id AS key, id, ${sizeOfEvent("events")} AS size FROM events
    WHERE id >= ?1 AND id < ?2 AND contact = ?3 ORDER BY id DESC LIMIT ?4`,
  columns: COLUMNS,
  order: "desc",
});

/** A contact's events, latest occurrence first, behind the event with the id `before`. `next`: null at the end. */
export async function listTimeline(
  db: Db,
  { contact, before, limit }: { contact: string; before?: string | undefined; limit: number },
): Promise<{ events: StoredEvent[]; next: string | null }> {
  const [from, to] = rangeOf(contact);
  const { results } = await db
    .prepare(TIMELINE)
    .bind(from, before ?? to, contact, limit + 1)
    .all<EventColumnsRow & SizedRow>();
  const events = await toEvents(results.slice(0, limit));
  const more = results.length > limit || isCut(results);
  return { events, next: more ? (events.at(-1)?.id ?? null) : null };
}

/** Which of the contacts' events to read: those of some campaigns or one message, or all. */
export interface OfContacts {
  campaign?: readonly string[];
  message_id?: string;
}

/**
 * The latest ten thousand events of the contacts in order of time; fewer if they are large. Of a contact, only its
 * latest ten thousand are looked through.
 */
export async function readEventsOf(
  db: Db,
  contacts: readonly string[],
  { campaign, message_id }: OfContacts = {},
): Promise<StoredEvent[]> {
  const { results } = await db
    .prepare(
      `WITH k AS MATERIALIZED (
         SELECT events.id, events.at, ${sizeOfEvent("events")} AS size FROM json_each(?1) AS c CROSS JOIN events
         ON ${isLatestIn("events", "c.value", MOST_OF_CONTACTS)}
         WHERE (?2 IS NULL OR events.campaign IN (SELECT value FROM json_each(?2))) AND (?3 IS NULL OR events.message_id = ?3)
         ORDER BY events.at DESC, events.id DESC LIMIT ${MOST_OF_CONTACTS}),
       page AS MATERIALIZED (
         SELECT id FROM (
           SELECT id, sum(size) OVER (ORDER BY at DESC, id DESC ROWS UNBOUNDED PRECEDING) - size AS before FROM k)
         WHERE before < ${MOST_BYTES})
       SELECT ${COLUMNS} FROM page CROSS JOIN events ON events.id = page.id ORDER BY events.at, events.id`,
    )
    .bind(
      JSON.stringify(contacts.map(rangeOf)),
      campaign === undefined ? null : JSON.stringify(campaign),
      message_id ?? null,
    )
    .all<EventColumnsRow>();
  return await toEvents(results);
}
