// Removes an address from texts about others: rows of the database, and names of the sender's.

import { ERASED_ADDRESS, mentions } from "../model/address-search.ts";
import { readJsonText } from "../providers/kit/json.ts";
import type { EventRow } from "../store/write/rows.ts";
import { replaced } from "./cuts.ts";

/** A contact that must be removed from everything received until `until` (ms). */
export interface Leaving {
  contact: string;
  until: number;
}

/**
 * What a page of the walk through the database changed, by contact. `next`: the key behind which the next page begins;
 * null at the table's end.
 */
export interface Step {
  next: string | null;
  changed: Map<string, number>;
}

/** The text with the address replaced. A text in which its place cannot be told is replaced as a whole. */
export function withoutMention(text: string, contact: string): string {
  if (!mentions(text, contact)) return text;
  const left = replaced(text, contact);
  return mentions(left, contact) ? ERASED_ADDRESS : left;
}

/** The same for a JSON text, which stays JSON. */
export function withoutMentionInJson(text: string, contact: string): string {
  if (!mentions(text, contact)) return text;
  const left = replaced(text, contact);
  if (!mentions(left, contact) && readJsonText(left, JSON.parse).ok) return left;
  const clean = (_key: string, value: unknown): unknown =>
    typeof value === "string" ? withoutMention(value, contact) : value;
  const whole = JSON.stringify(JSON.parse(text), clean);
  if (!mentions(whole, contact)) return whole;
  return whole.startsWith("[") ? "[]" : "{}"; // an address in the name of a field
}

/**
 * The row without the contacts' addresses; the same row if it mentions none of them. Rows that were received after a
 * contact's erasure keep it. Only texts change: a row of somebody else keeps its id, time and type.
 */
export function withoutMentions<Row extends EventRow>(row: Row, leaving: readonly Leaving[]): Row {
  let left = row;
  for (const { contact, until } of leaving)
    if (row.received_at <= until && row.contact !== contact) left = withoutMentionOf(left, contact);
  return left;
}

/** The columns of a row that may mention somebody: texts, and JSON. */
const TEXTS = ["message_id", "campaign", "custom_id"] as const;
const JSONS = ["tags", "details"] as const;

const without = (
  remove: (text: string, contact: string) => string,
  text: string | null,
  contact: string,
): string | null => (text === null ? null : remove(text, contact));

function withoutMentionOf<Row extends EventRow>(row: Row, contact: string): Row {
  const left = { ...row };
  for (const column of TEXTS) left[column] = without(withoutMention, row[column], contact);
  for (const column of JSONS) left[column] = without(withoutMentionInJson, row[column], contact);
  return [...TEXTS, ...JSONS].every((column) => left[column] === row[column]) ? row : left;
}
