// The statements that store new events: their kinds, their rows, their place in the feed and their messages.

import { CONTACT_CHARS } from "../../model/event-id.ts";
import type { Db } from "../db.ts";
import { storedValue, type DetailsCodec } from "../events/details.ts";
import { FEED_END } from "../feed-rows.ts";
import { isOf } from "../prefix-range.ts";
import { INSERT_KINDS, isKind, kindsOf, type KindColumn, type Kinds } from "./event-kinds.ts";
import { refuseErased } from "./refuse-erased.ts";
import type { EventRow } from "./rows.ts";

/**
 * The columns of `event_rows` but seq and kind, in the order of {@link toRow}. The code does not compile if an event has
 * one that stands neither here nor in its kind.
 */
const COLUMN_ORDER = {
  id: 0,
  contact: 1,
  at: 2,
  received_at: 3,
  message_id: 4,
  campaign: 5,
  line: 6,
  element: 7,
  custom_id: 8,
  tags: 9,
  details: 10,
} as const satisfies Record<Exclude<keyof EventRow, "batch" | KindColumn>, number>;
/** Where in {@link toRow} the event's place in the slice stands, and that of its kind in the list of kinds. */
const PLACE = 11;
const KIND = 12;
const COLUMNS = Object.keys(COLUMN_ORDER).join(", ");
const VALUES = Object.entries(COLUMN_ORDER).map(([name, i]) =>
  name === "details" ? storedValue(`v.value->>${i}`) : `v.value->>${i}`,
);

/** For events; it follows {@link INSERT_EVENTS} and comes before {@link INSERT_FEED}. */
const REFUSE_ERASED_EVENTS = refuseErased(`
  SELECT e.seq AS n FROM erasures AS x CROSS JOIN event_rows AS e ON ${isOf("e", "x")}
    AND e.received_at <= x.erased_at AND e.seq > ${FEED_END}`);

// Only a row that exists already may be skipped. OR IGNORE would also skip a row that the table cannot hold, such as one
// without a kind. ?2: JSON rows of the kinds.
const INSERT_EVENTS = `
  WITH k AS MATERIALIZED (SELECT g.key AS place, e.kind FROM json_each(?2) AS g CROSS JOIN event_kinds AS e ON ${isKind("e", "g.value")})
  INSERT INTO event_rows (seq, kind, ${COLUMNS})
  SELECT ${FEED_END} + v.value->>${PLACE}, k.kind, ${VALUES.join(", ")}
  FROM json_each(?1) AS v LEFT JOIN k ON k.place = v.value->>${KIND} WHERE true
  ON CONFLICT (id) DO NOTHING`;

/**
 * Follows {@link INSERT_EVENTS}, whose changes it reads. Only new events are named, because an erasure looks for a name
 * only where its event says. ?1: JSON rows of a place in the slice, ids, and archive object; ?2: how many events; ?3: ms.
 */
const INSERT_FEED = `
  WITH z AS MATERIALIZED (SELECT ${FEED_END} AS last, changes() AS new)
  INSERT INTO feed (first_seq, n, batch, stored_at, ids)
  SELECT z.last + g.value->>0, json_array_length(g.value, '$[1]'), g.value->>2, CAST(?3 AS INTEGER),
    iif(z.new = ?2, g.value->'$[1]', (
      SELECT json_group_array(iif(e.id IS NULL, NULL, i.value) ORDER BY i.key)
      FROM json_each(g.value, '$[1]') AS i
      LEFT JOIN event_rows AS e ON e.id = i.value AND e.seq = z.last + g.value->>0 + i.key))
  FROM z CROSS JOIN json_each(?1) AS g WHERE z.new > 0`;

// ?1: JSON rows of messages, each once: id, first event and its custom id.
const INSERT_MESSAGES = `
  INSERT INTO message_rows (message_id, prefix, kind, custom_id)
  SELECT v.value->>0, substr(e.id, 1, ${CONTACT_CHARS}), e.kind, v.value->>2
  FROM json_each(?1) AS v CROSS JOIN event_rows AS e ON e.id = v.value->>1 WHERE true
  ON CONFLICT DO NOTHING`;

/** The statements that store the events, which are distinct by id. Those that are stored already stay as they are. */
export function insertEvents(
  db: Db,
  events: readonly EventRow[],
  codec: DetailsCodec,
): D1PreparedStatement[] {
  const groups = groupsOf(events);
  const kinds = kindsOf(events);
  const messages = messagesOf(events);
  return [
    db.prepare(INSERT_KINDS).bind(kinds.json),
    db.prepare(INSERT_EVENTS).bind(toRows(groups, kinds, codec), kinds.json),
    db.prepare(REFUSE_ERASED_EVENTS).bind(),
    db.prepare(INSERT_FEED).bind(toFeed(groups), events.length, Date.now()),
    ...(messages.length > 0 ? [db.prepare(INSERT_MESSAGES).bind(JSON.stringify(messages))] : []),
  ];
}

/** The slice's events by archive object. The places of a group follow each other in the feed. */
function groupsOf(events: readonly EventRow[]): EventRow[][] {
  return [...Map.groupBy(events, ({ batch }) => batch).values()];
}

/** The JSON rows of the events in order of id, in which a table that is clustered by id takes them fastest. */
function toRows(
  groups: readonly (readonly EventRow[])[],
  { placeOf }: Kinds<EventRow>,
  { pack }: DetailsCodec,
): string {
  const placed = groups.flat().map((event, index) => ({ event, place: index + 1 }));
  placed.sort((a, b) => (a.event.id < b.event.id ? -1 : 1));
  const rows = placed.map(({ event, place }) => toRow(event, pack(event.details), place, placeOf(event)));
  return `[${rows.join(",")}]`;
}

/** The JSON row of an event, its fields in the order of COLUMN_ORDER. `place`: in the slice, from 1 on. */
function toRow(event: EventRow, details: string | null, place: number, kind: number): string {
  const { id, contact, at, received_at, message_id, campaign, line, element, custom_id, tags } = event;
  const about = [id, contact, at, received_at, message_id, campaign, line, element];
  return JSON.stringify([...about, custom_id, tags, details, place, kind]);
}

function toFeed(groups: readonly (readonly EventRow[])[]): string {
  let place = 1;
  const rows = groups.map((group) => {
    const row = [place, group.map(({ id }) => id), group[0]?.batch];
    place += group.length;
    return row;
  });
  return JSON.stringify(rows);
}

/** A row for each message, with its first event and that one's custom id. */
function messagesOf(events: readonly EventRow[]): unknown[] {
  const messages = new Map<string, unknown[]>();
  for (const { id, message_id, contact, custom_id } of events) {
    if (message_id === null) continue;
    const key = JSON.stringify([message_id, contact]);
    if (!messages.has(key)) messages.set(key, [message_id, id, custom_id]);
  }
  return [...messages.values()];
}
