// Messages over several databases. A message id leads to contacts of any database, so all are asked; the events of a
// message are those of the databases that know the message.

import type { StoredEvent } from "../../model/event-fields.ts";
import { contactPrefix } from "../../model/event-id.ts";
import type { Db } from "../db.ts";
import {
  findMessages,
  getMessage,
  getMessageEvents,
  type FoundMessage,
  type MessageRow,
} from "../events/messages.ts";
import type { Shards } from "../shards.ts";
import { askAll, askOne, onlyShard } from "./ask.ts";
import { compareKeys, compareTexts } from "./order.ts";

/** Most recipients of a message, and most messages that a search returns, as of one database. */
const MOST_ROWS = 100;
/** Most events of a message, as of one database. */
const MOST_EVENTS = 1_000;

/** The recipients of a message that one database knows. */
export interface MessagePart {
  db: Db;
  rows: MessageRow[];
}

/** The recipients of a message, at most 100, by database. Rejects if a database does not answer. */
export async function getMessageAcross(shards: Shards, messageId: string): Promise<MessagePart[]> {
  const parts = await askAll(shards, async (db) => ({ db, rows: await getMessage(db, messageId) }));
  const known = parts.filter(({ rows }) => rows.length > 0);
  if (known.length <= 1) return known;
  const first = new Set(
    known
      .flatMap(({ rows }) => rows)
      .toSorted(byPrefix)
      .slice(0, MOST_ROWS),
  );
  return known.map(({ db, rows }) => ({ db, rows: rows.filter((row) => first.has(row)) }));
}

/** The order of `messages`, in which one database tells them. */
const byPrefix = (one: MessageRow, other: MessageRow): number =>
  compareTexts(contactPrefix(one.contact), contactPrefix(other.contact));

/** The recipients in all parts, in order. */
export function recipientsOf(parts: readonly MessagePart[]): MessageRow[] {
  const rows = parts.flatMap((part) => part.rows);
  return parts.length <= 1 ? rows : rows.toSorted(byPrefix);
}

/** The first thousand events of a message for these recipients, in the order of storage, about so over several databases. */
export async function getMessageEventsAcross(
  messageId: string,
  parts: readonly MessagePart[],
): Promise<StoredEvent[]> {
  const lists = await Promise.all(
    parts.flatMap(({ db, rows }) => (rows.length === 0 ? [] : getMessageEvents(db, messageId, rows))),
  );
  const [only] = lists;
  if (lists.length <= 1) return only ?? [];
  return lists
    .flat()
    .toSorted((one, other) => one.received_at - other.received_at)
    .slice(0, MOST_EVENTS);
}

/** The messages that findMessages finds in one database: the contact's, or all for a custom id. Rejects likewise. */
export async function findMessagesAcross(
  shards: Shards,
  wanted: Parameters<typeof findMessages>[1],
): Promise<FoundMessage[]> {
  const only = onlyShard(shards);
  if (only !== null) return await findMessages(only.db, wanted);
  const ask = async (db: Db) => await findMessages(db, wanted);
  if ("contact" in wanted) return await askOne(await shards.of(wanted.contact), ask);
  const found = (await askAll(shards, ask)).flat();
  return latest([...Map.groupBy(found, idOf).values()].map(joined));
}

const idOf = ({ rows }: FoundMessage): string => rows[0]?.message_id ?? "";

/** One message whose recipients lie in several databases. */
function joined(parts: readonly FoundMessage[]): FoundMessage {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const events = parts.flatMap((part) => part.events);
  return {
    rows: parts.flatMap(({ rows }) => rows).toSorted(byPrefix),
    events: events.toSorted((a, b) => compareKeys([a.occurred_at, a.id], [b.occurred_at, b.id])),
  };
}

/** The messages with the greatest ids, as long as they have a hundred recipients together. */
function latest(messages: readonly FoundMessage[]): FoundMessage[] {
  let left = MOST_ROWS;
  const inOrder = messages.toSorted((one, other) => compareTexts(idOf(other), idOf(one)));
  return inOrder.flatMap(({ rows, events }) => {
    const kept = rows.slice(0, Math.max(left, 0));
    left -= rows.length;
    const contacts = new Set(kept.map(({ contact }) => contact));
    return kept.length === 0
      ? []
      : [{ rows: kept, events: events.filter(({ contact }) => contacts.has(contact)) }];
  });
}
