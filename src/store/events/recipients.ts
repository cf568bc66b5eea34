// Who got a campaign, and what each of them did. Recipients are found by a walk through the stretches of the feed where
// the campaign's events lie, and what they did is read from their own ranges of the id index. So nothing is stored for
// these questions, and each page's reading is bounded. A recipient is listed where the feed has its first event.

import { encodeInteger } from "../../lib/base32.ts";
import { TIME_CHARS } from "../../lib/time-id.ts";
import { contactPrefix } from "../../model/event-id.ts";
import type { Db } from "../db.ts";
import { inFeedOrder, walkFeedRows } from "../feed-rows.ts";
import { isAtDomain, rangeOf } from "../prefix-range.ts";
import { feedEdge } from "./feed.ts";
import { MOST_OF_CONTACTS } from "./of-contacts.ts";
import { placeOfCampaigns, restBehind, type CampaignPlace } from "./stretches.ts";

/** What a recipient may have done, or may have happened to the mail. */
export const DEEDS = [
  "delivered",
  "opened",
  "opened_human",
  "clicked",
  "clicked_human",
  "bounced",
  "blocked",
  "complained",
  "unsubscribed",
] as const;
export type Deed = (typeof DEEDS)[number];

/** A contact of the campaign, or one mail to it; times in ms. */
export interface Recipient extends Record<Deed, boolean> {
  contact: string;
  /** Null if each contact is one recipient, and for mails without an id. */
  message_id: string | null;
  /** Whether a suppression of all mail is in force now. */
  suppressed: boolean;
  /** How many events of the campaign it has. */
  events: number;
  first_at: number;
  last_at: number;
}

/** Which recipients to list. */
export interface RecipientQuery {
  campaign: readonly string[];
  domain?: readonly string[] | undefined;
  /** Whether each mail is a recipient of its own. */
  byMessage: boolean;
  /** What must be so, and what must not. */
  wanted: Readonly<Partial<Record<Deed | "suppressed", boolean | undefined>>>;
}

/** Where a page ended: behind this seq. `end`: the feed's end when the list began. */
export type RecipientCursor = [after: number, end: number];

/** A page. `next`: null at the end; `read`: how many rows it took. */
export interface RecipientPage<T> {
  items: T[];
  next: RecipientCursor | null;
  read: number;
}

/** Rows that one page reads, more or less: it ends with the step that passes them, and may then be shorter. */
export const MOST_READ = 200_000;
/** Rows of the feed that one step looks through. */
const MOST_SCANNED = 20_000;
/** Events of the campaign that one step finds at most. */
const MOST_FOUND = 5_000;

interface Found {
  seq: number;
  contact: string;
  message_id: string | null;
}

/** Reads a page of recipients behind `after`. A page may be short, or empty, and still have a next one. */
export async function listRecipients(
  db: Db,
  query: RecipientQuery,
  after: RecipientCursor | undefined,
  limit: number,
): Promise<RecipientPage<Recipient>> {
  const edge = await feedEdge(db);
  const end = after?.[1] ?? edge.high;
  const place = await placeOfCampaigns(db, query, { low: edge.low, high: Math.min(end, edge.high) });
  const items: Recipient[] = [];
  const taken = new Set<string>();
  let seen = after?.[0] ?? 0;
  let read = 0;
  while (read < MOST_READ) {
    const [stretch] = restBehind(place.stretches, seen, "asc");
    if (stretch === undefined) return { items, next: null, read };
    const most = Math.min(MOST_FOUND, Math.max(500, 5 * (limit - items.length)));
    const last = Math.min(stretch.last, stretch.first + MOST_SCANNED - 1);
    const found = await findEvents(db, query, { first: stretch.first, last }, most);
    const fresh = newcomers(found.rows, query.byMessage, taken);
    const states = await statesOf(db, query, fresh, place.days);
    read += found.read + states.read + 100;
    for (const { seq, key } of fresh) {
      const state = states.recipients.get(key);
      if (state === undefined || state.first !== seq || !fits(state.recipient, query.wanted)) continue;
      items.push(state.recipient);
      if (items.length === limit) return { items, next: behind(seq, end, place), read };
    }
    seen = found.rows.length === most ? (found.rows.at(-1)?.seq ?? last) : last;
  }
  return { items, next: behind(seen, end, place), read };
}

const behind = (seq: number, end: number, { stretches }: CampaignPlace): RecipientCursor | null =>
  restBehind(stretches, seq, "asc").length > 0 ? [seq, end] : null;

const fits = (recipient: Recipient, wanted: RecipientQuery["wanted"]): boolean =>
  Object.entries(wanted).every(([name, value]) => value === undefined || recipient[name as Deed] === value);

async function findEvents(
  db: Db,
  { campaign, domain }: RecipientQuery,
  { first, last }: { first: number; last: number },
  most: number,
): Promise<{ rows: Found[]; read: number }> {
  const { results, meta } = await db
    .prepare(
      `SELECT e.seq, e.contact, e.message_id ${walkFeedRows({ after: "(?1 - 1)", last: "?2" })}
         AND e.campaign IN (SELECT value FROM json_each(?3))
         AND (?4 IS NULL OR ${isAtDomain("e.contact", "?4")}) ${inFeedOrder("asc")} LIMIT ?5`,
    )
    .bind(first, last, JSON.stringify(campaign), domain === undefined ? null : JSON.stringify(domain), most)
    .all<Found>();
  return { rows: results, read: meta.rows_read };
}

const keyOf = (contact: string, messageId: string | null, byMessage: boolean): string =>
  byMessage ? JSON.stringify([contact, messageId]) : contact;

/** The first event of each recipient that was not met yet in this page. */
function newcomers(found: readonly Found[], byMessage: boolean, taken: Set<string>) {
  return found.flatMap(({ seq, contact, message_id }) => {
    const key = keyOf(contact, message_id, byMessage);
    if (taken.has(key)) return [];
    taken.add(key);
    return [{ seq, key, contact }];
  });
}

const any = (condition: string, name: Deed): string => `max(${condition}) AS ${name}`;
const STATES = [
  ...(["delivered", "opened", "clicked", "bounced", "blocked", "complained", "unsubscribed"] as const).map(
    (type) => any(`e.type = '${type}'`, type),
  ),
  any("e.type = 'opened' AND e.machine <> 'machine'", "opened_human"),
  any("e.type = 'clicked' AND e.machine <> 'machine'", "clicked_human"),
];

/**
 * What the recipients with these contacts did. Of a contact, the first ten thousand events of the campaign's days are
 * looked at: only addresses that machines write to have more.
 */
const statesSql = (byMessage: boolean): string => `
  SELECT e.contact, ${byMessage ? "e.message_id" : "NULL AS message_id"}, min(e.seq) AS first, count(*) AS events,
    min(e.at) AS first_at, max(e.at) AS last_at, ${STATES.join(", ")},
    (SELECT suppressed FROM contacts AS k WHERE k.contact = e.contact) IS NOT NULL AS suppressed
  FROM json_each(?1) AS c CROSS JOIN events AS e
    ON e.id >= c.value->>0 AND e.id < coalesce((SELECT l.id FROM event_rows AS l WHERE l.id >= c.value->>0 AND l.id < c.value->>1
      ORDER BY l.id LIMIT 1 OFFSET ${MOST_OF_CONTACTS}), c.value->>1) AND e.contact = c.value->>2
  WHERE e.campaign IN (SELECT value FROM json_each(?2))
  GROUP BY c.key${byMessage ? ", e.message_id" : ""}`;

type StateRow = { [D in Deed | "suppressed"]: 0 | 1 } & {
  contact: string;
  message_id: string | null;
  first: number;
  events: number;
  first_at: number;
  last_at: number;
};

async function statesOf(
  db: Db,
  { campaign, byMessage }: RecipientQuery,
  fresh: readonly { contact: string }[],
  days: CampaignPlace["days"],
): Promise<{ recipients: Map<string, { recipient: Recipient; first: number }>; read: number }> {
  const recipients = new Map<string, { recipient: Recipient; first: number }>();
  if (fresh.length === 0) return { recipients, read: 0 };
  const ranges = [...new Set(fresh.map(({ contact }) => contact))].map((contact) =>
    rangeWithin(contact, days),
  );
  const { results, meta } = await db
    .prepare(statesSql(byMessage))
    .bind(JSON.stringify(ranges), JSON.stringify(campaign))
    .all<StateRow>();
  for (const { first, contact, message_id, events, first_at, last_at, ...did } of results) {
    const flags = Object.fromEntries(Object.entries(did).map(([name, value]) => [name, value === 1]));
    const recipient = { contact, message_id, events, first_at, last_at, ...flags } as unknown as Recipient;
    recipients.set(keyOf(contact, message_id, byMessage), { recipient, first });
  }
  return { recipients, read: meta.rows_read };
}

/** The range of a contact's ids within these days. */
function rangeWithin(
  contact: string,
  days: CampaignPlace["days"],
): [from: string, to: string, contact: string] {
  if (days === null) return rangeOf(contact);
  const prefix = contactPrefix(contact);
  const at = (ms: number): string => prefix + encodeInteger(Math.max(0, ms), TIME_CHARS);
  return [at(days.from), at(days.to), contact];
}
