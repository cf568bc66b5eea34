// What filters ask beyond the event itself: the message's times, and whether the contact is suppressed now. It is
// looked up for many events at once.

import {
  messageStatusOf,
  messageStatusStatement,
  NO_MESSAGE,
  type FoundStatus,
  type MessageKey,
} from "../../store/events/message-status.ts";
import type { Db } from "../../store/db.ts";
import type { Shards } from "../../store/shards.ts";
import { checkAcross } from "../../store/across/check.ts";
import { checkQuery } from "../../store/suppressions/suppressions.ts";
import type { Lookups, Needs } from "./variables.ts";

/** The most events in one look-up. */
export const MOST_EVENTS = 1_000;

/** The fields of an event by which its message and contact are found. */
export interface About {
  contact?: string | null;
  message_id?: string | null;
}

/**
 * Looks up what filters need for up to {@link MOST_EVENTS} events, in their order. It takes one round trip to the
 * database, or none if nothing is needed. `bucket` holds the key by which suppressions outlive erased contacts.
 */
export async function readLookups(
  db: Db,
  bucket: R2Bucket,
  events: readonly About[],
  needs: Needs,
): Promise<Lookups[]> {
  if (events.length > MOST_EVENTS) throw new RangeError(`more than ${MOST_EVENTS} events`);
  const keys = new Map<string, MessageKey>();
  const contacts = new Set<string>();
  for (const event of events) {
    if (typeof event.contact !== "string") continue;
    contacts.add(event.contact);
    const key = keyOf(event);
    if (key !== null) keys.set(nameOf(key), key);
  }
  const asksMessages = needs.message && keys.size > 0;
  const standing =
    needs.suppression && contacts.size > 0 ? await checkQuery(db, bucket, contacts, { scope: "" }) : null;
  const statements = [
    ...(asksMessages ? [messageStatusStatement(db, [...keys.values()])] : []),
    ...(standing?.statements ?? []),
  ];
  const results = statements.length > 0 ? await db.batch<Record<string, unknown>>(statements) : [];
  const messages = (asksMessages ? (results[0]?.results ?? []) : []) as unknown as FoundStatus[];
  const found = new Map(messages.map((row) => [nameOf(row), messageStatusOf(row)]));
  const checked = standing?.checkedOf(results.slice(asksMessages ? 1 : 0));
  return events.map((event) => {
    const facts: Lookups = {};
    const key = keyOf(event);
    if (needs.message) facts.message = (key === null ? undefined : found.get(nameOf(key))) ?? NO_MESSAGE;
    if (needs.suppression) facts.suppression = checked?.get(event.contact ?? "") ?? null;
    return facts;
  });
}

/**
 * The same over several databases: messages are looked up in their contacts' databases, suppressions in those of the
 * contacts and of their domains. One round trip to each database for either.
 */
export async function lookUpDivided(
  shards: Shards,
  bucket: R2Bucket,
  events: readonly About[],
  needs: Needs,
): Promise<Lookups[]> {
  if (shards.all.length === 1) return await readLookups(shards.home, bucket, events, needs);
  const numbered = events.map((event, index) => ({ event, index }));
  const groups = await shards.group(numbered, ({ event }) => event.contact ?? "");
  const contacts = new Set(events.flatMap(({ contact }) => (typeof contact === "string" ? [contact] : [])));
  const found: Lookups[] = [];
  const [standing] = await Promise.all([
    needs.suppression ? checkAcross(shards, bucket, [...contacts], { scope: "" }) : null,
    ...[...groups].map(async ([{ db }, group]) => {
      const asked = group.map(({ event }) => event);
      const lookups = await readLookups(db, bucket, asked, { ...needs, suppression: false });
      for (const [place, { index }] of group.entries()) found[index] = lookups[place] ?? {};
    }),
  ]);
  if (standing === null) return found;
  return events.map(({ contact }, index) => ({
    ...found[index],
    suppression: standing.checked.get(contact ?? "") ?? null,
  }));
}

function keyOf({ contact, message_id }: About): MessageKey | null {
  return typeof contact === "string" && typeof message_id === "string" ? { contact, message_id } : null;
}

/** An address holds no blank. */
const nameOf = ({ contact, message_id }: MessageKey): string => `${contact} ${message_id}`;
