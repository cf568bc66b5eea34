// Searches by the beginning of an id, as a range of its index: from the prefix to the prefix and a last character. LIKE
// ignores case, so SQLite uses no index for it. All event ids of a contact begin with the same characters (see
// src/model/event-id.ts), so a contact's events are such a range, too.

import { contactPrefix } from "../model/event-id.ts";

/** Sorts behind every character of an id: letters, digits, ".", "-" and "_". */
const LAST = "~";

/** The end of the range of ids that begin with the prefix. It begins with the prefix itself. */
export function endOf(prefix: string): string {
  return prefix + LAST;
}

/**
 * The SQL condition that `id` begins with `prefix`; both are SQL expressions. `from`: where the range begins, if that is
 * later than its first id.
 */
export function beginsWith(id: string, prefix: string, from = prefix): string {
  return `${id} >= ${from} AND ${id} < ${endOfSql(prefix)}`;
}

/**
 * The SQL condition that the id of a dead letter is one of the envelope's: the envelope's own id, or that, a dot and a
 * number. A slash sorts behind the dot. Both are SQL expressions.
 */
export function isOfEnvelope(id: string, envelope: string): string {
  return `${id} >= ${envelope} AND ${id} < ${envelope} || '/'`;
}

/** A range of ids: the first, the end, and the contact that is meant; null for all with such ids. */
export type IdRange = [from: string, to: string, contact: string | null];

/** The range of the id index that contains a contact's events. */
export function rangeOf(contact: string): [from: string, to: string, contact: string] {
  const prefix = contactPrefix(contact);
  return [prefix, endOf(prefix), contact];
}

/** The range of the ids with this prefix. */
export const rangeFrom = (prefix: string): IdRange => [prefix, endOf(prefix), null];

/** The SQL condition that a row of `events` lies in `range`, the JSON of an {@link IdRange}. */
export function liesIn(events: string, range: string): string {
  return `${events}.id >= ${range}->>0 AND ${events}.id < ${range}->>1 AND ${events}.contact = coalesce(${range}->>2, ${events}.contact)`;
}

/**
 * The SQL condition that a row of `events` is among the latest `most` in `range`, as {@link liesIn} has it: so that a
 * contact with a million events costs no more than one with `most`.
 */
export function isLatestIn(events: string, range: string, most: number): string {
  const [from, to] = [`${range}->>0`, `${range}->>1`];
  const first = firstOfLatest(from, to, most);
  return `${events}.id >= ${first} AND ${events}.id < ${to} AND ${events}.contact = ${range}->>2`;
}

/** SQL for the first of the latest `most` ids of a range, which begins at `from` if it has fewer. */
export const firstOfLatest = (from: string, to: string, most: number): string =>
  `coalesce((SELECT l.id FROM event_rows AS l WHERE l.id >= ${from} AND l.id < ${to} ORDER BY l.id DESC LIMIT 1 OFFSET ${most - 1}), ${from})`;

/** SQL for the end of the range of ids that begin with `prefix`, an SQL expression. */
export const endOfSql = (prefix: string): string => `${prefix} || '${LAST}'`;

/**
 * The SQL condition that a row of `events` is of the contact in a row of `who`, which has the columns `contact` and
 * `prefix`. The plus keeps SQLite from building an index of all events by contact.
 */
export function isOf(events: string, who: string): string {
  return `${beginsWith(`${events}.id`, `${who}.prefix`)} AND +${events}.contact = ${who}.contact`;
}

/** The SQL condition that an address is of one of the domains in `domains`, SQL for a JSON array of them. */
export function isAtDomain(contact: string, domains: string): string {
  return `EXISTS (SELECT 1 FROM json_each(${domains}) AS d WHERE substr(${contact}, -1 - length(d.value)) = '@' || d.value)`;
}
