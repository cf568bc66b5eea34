// Reads of messages: the recipients of a mail, and its events.

import type { Db } from "../db.ts";
import { listEvents, type StoredEvent } from "./events.ts";
import { beginsWith, endOfSql, firstOfLatest } from "../prefix-range.ts";
import { areBusy, MOST_OF_CONTACTS, readEventsOf } from "./of-contacts.ts";
import {
  listRecipients,
  type RecipientCursor,
  type RecipientPage,
  type RecipientQuery,
} from "./recipients.ts";

/** One mail to one contact. `custom_id` and `source` are those of its first event. */
export interface MessageRow {
  message_id: string;
  contact: string;
  custom_id: string | null;
  source: string;
}

/** A mail: a row for each of its recipients, and its events in order of time. */
export interface FoundMessage {
  rows: MessageRow[];
  events: StoredEvent[];
}

/** Most messages that a search or a page of a list returns: each comes with its events. */
export const MOST_MESSAGES = 100;

/**
 * The query for messages with their contacts. A message leads to the prefix of a contact's ids, and the message's events
 * there tell the contact. Of a busy contact only the latest ten thousand are looked through; a message that is older is
 * said to be of the contact whose events those are. The plus keeps SQLite from building an index of all events. `which`:
 * the condition, order and limit for `messages`.
 */
const withContacts = (which: string): string => `
  WITH m AS MATERIALIZED (
    SELECT message_id, prefix, ${firstOfLatest("prefix", endOfSql("prefix"), MOST_OF_CONTACTS)} AS first, custom_id, source
    FROM messages WHERE ${which}),
  told AS MATERIALIZED (
    SELECT DISTINCT m.message_id, m.prefix, e.contact FROM m CROSS JOIN event_rows AS e
      ON ${beginsWith("e.id", "m.prefix", "m.first")} AND +e.message_id = m.message_id)
  SELECT m.message_id, coalesce(told.contact, (
      SELECT e.contact FROM event_rows AS e WHERE ${beginsWith("e.id", "m.prefix")} ORDER BY e.id DESC LIMIT 1)) AS contact,
    m.custom_id, m.source
  FROM m LEFT JOIN told ON told.message_id = m.message_id AND told.prefix = m.prefix`;

const BY_ID = `SELECT * FROM (${withContacts(`message_id = ?1 LIMIT ${MOST_MESSAGES}`)}) WHERE contact IS NOT NULL`;
const BY_CUSTOM_ID = `SELECT * FROM (${withContacts(`custom_id = ?1 ORDER BY message_id DESC LIMIT ${MOST_MESSAGES}`)})
  WHERE contact IS NOT NULL ORDER BY message_id DESC`;

/**
 * The recipients of a message, at most 100: one, or several if the provider gives one id to all recipients of a mail.
 */
export async function getMessage(db: Db, messageId: string): Promise<MessageRow[]> {
  return (await db.prepare(BY_ID).bind(messageId).all<MessageRow>()).results;
}

/** Most events that the answer about one message contains. */
const MOST_EVENTS = 1_000;

/**
 * The first thousand events of a message. If its recipients have very many events, only the latest ten thousand of each
 * are looked through.
 */
export async function getMessageEvents(
  db: Db,
  messageId: string,
  rows: readonly MessageRow[],
): Promise<StoredEvent[]> {
  const contacts = rows.map(({ contact }) => contact);
  if (await areBusy(db, contacts))
    return (await readEventsOf(db, contacts, { message_id: messageId })).slice(0, MOST_EVENTS);
  return (await listEvents(db, { message_id: messageId, order: "asc", limit: MOST_EVENTS })).events;
}

/** The latest messages with this custom id, or of this contact in this campaign, with their events in order of time. */
export async function findMessages(
  db: Db,
  wanted: { custom_id: string } | { contact: string; campaign: readonly string[] },
): Promise<FoundMessage[]> {
  return "custom_id" in wanted ? await byCustomId(db, wanted.custom_id) : await byCampaign(db, wanted);
}

async function byCustomId(db: Db, customId: string): Promise<FoundMessage[]> {
  const { results } = await db.prepare(BY_CUSTOM_ID).bind(customId).all<MessageRow>();
  const events = await readEventsOf(db, [...new Set(results.map(({ contact }) => contact))]);
  const groups = Map.groupBy(results, ({ message_id }) => message_id);
  return [...groups].map(([id, rows]) => {
    const contacts = new Set(rows.map(({ contact }) => contact));
    return { rows, events: events.filter((event) => event.message_id === id && contacts.has(event.contact)) };
  });
}

/**
 * Reads the events only, because providers that give mails no ids, which leave no rows here, still report campaigns.
 */
async function byCampaign(
  db: Db,
  { contact, campaign }: { contact: string; campaign: readonly string[] },
): Promise<FoundMessage[]> {
  const events = await readEventsOf(db, [contact], { campaign });
  const groups = Map.groupBy(events, ({ message_id }) => message_id);
  return [...groups].slice(-MOST_MESSAGES).map(([id, group]) => mailOf(contact, id, group));
}

/** One mail to one contact, from its events. */
function mailOf(contact: string, id: string | null, events: StoredEvent[]): FoundMessage {
  const custom_id = events.find((event) => event.custom_id !== null)?.custom_id ?? null;
  return { rows: [{ message_id: id ?? "", contact, custom_id, source: events[0]?.source ?? "" }], events };
}

/** The mails of campaigns, each to one contact, in the order in which their first events were stored; at most 100. */
export async function listMessages(
  db: Db,
  query: Omit<RecipientQuery, "byMessage">,
  after: RecipientCursor | undefined,
  limit: number,
): Promise<RecipientPage<FoundMessage>> {
  const asked = { ...query, byMessage: true };
  const { items, next, read } = await listRecipients(db, asked, after, Math.min(limit, MOST_MESSAGES));
  const contacts = [...new Set(items.map(({ contact }) => contact))];
  const events = contacts.length === 0 ? [] : await readEventsOf(db, contacts, { campaign: query.campaign });
  const keyOf = (contact: string, id: string | null): string => JSON.stringify([contact, id]);
  const groups = Map.groupBy(events, ({ contact, message_id }) => keyOf(contact, message_id));
  const messages = items.map(({ contact, message_id: id }) =>
    mailOf(contact, id, (groups.get(keyOf(contact, id)) ?? []).slice(0, MOST_EVENTS)),
  );
  return { items: messages, next, read };
}
