// The status of the messages that a slice of events belongs to, in one query over their contacts' ranges of the id
// index.

import { EVENT_TYPES, type EventType } from "../../model/event.ts";
import { EVENT_ID_LENGTH } from "../../model/event-id.ts";
import { rankOf } from "../../model/message.ts";
import type { Db } from "../db.ts";
import { MOST_OF_CONTACTS } from "./of-contacts.ts";
import { isLatestIn, rangeOf } from "../prefix-range.ts";

/** The status of one mail to one contact, from all of its stored events. Times in ms. */
export interface MessageStatus {
  /** The time of its earliest `sent` or `queued` event, else of its earliest event; null if it has none. */
  sent_at: number | null;
  /** The time of its earliest `delivered` event; null if it has none. */
  delivered_at: number | null;
  status: EventType;
}

/** The status for an event that belongs to no message, or whose message's rows are deleted. */
export const NO_MESSAGE: MessageStatus = { sent_at: null, delivered_at: null, status: "unknown" };

/** Names a message: a provider may use one message id for many contacts. */
export interface MessageKey {
  contact: string;
  message_id: string;
}

/** A row of {@link messageStatusStatement}; times in ms. */
export interface FoundStatus extends MessageKey {
  sent_at: number;
  delivered_at: number | null;
  /** Rank, id and type of the deciding event, concatenated. */
  deciding: string;
}

const RANKS = EVENT_TYPES.map((type) => `WHEN '${type}' THEN ${rankOf({ type, bounce: null })}`).join(" ");
const HARD = rankOf({ type: "bounced", bounce: "hard" });
const RANK_CHARS = 2;

// A contact's ids sort by time and then key, as in src/model/message.ts, so the greatest rank and id decide. The
// condition is on pairs of contact and message id, because a provider may give one id to a mail for thousands of
// contacts.
const FACTS = `
  SELECT e.contact, e.message_id,
    coalesce(min(CASE WHEN e.type IN ('sent', 'queued') THEN e.at END), min(e.at)) AS sent_at,
    min(CASE WHEN e.type = 'delivered' THEN e.at END) AS delivered_at,
    max(printf('%0${RANK_CHARS}d', CASE e.type || e.bounce WHEN 'bouncedhard' THEN ${HARD} ELSE
      CASE e.type ${RANKS} ELSE 0 END END) || e.id || e.type) AS deciding
  FROM json_each(?1) AS c CROSS JOIN events AS e
    ON ${isLatestIn("e", "c.value", MOST_OF_CONTACTS)}
  WHERE (e.contact, e.message_id) IN (SELECT p.value->>0, p.value->>1 FROM json_each(?2) AS p)
  GROUP BY e.contact, e.message_id`;

/**
 * The query for these messages, each named once. It returns at most one row per message. Of a contact, only the latest
 * ten thousand events are looked through.
 */
export function messageStatusStatement(db: Db, keys: readonly MessageKey[]): D1PreparedStatement {
  const contacts = new Set(keys.map(({ contact }) => contact));
  return db
    .prepare(FACTS)
    .bind(
      JSON.stringify(Array.from(contacts, rangeOf)),
      JSON.stringify(keys.map(({ contact, message_id }) => [contact, message_id])),
    );
}

/** The status in a row of the query. */
export function messageStatusOf({ sent_at, delivered_at, deciding }: FoundStatus): MessageStatus {
  return { sent_at, delivered_at, status: deciding.slice(RANK_CHARS + EVENT_ID_LENGTH) as EventType };
}
