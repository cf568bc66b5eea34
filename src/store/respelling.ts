// What is stored under former spellings of addresses: finds it, reads it, and deletes what has moved. How far the step
// has come is one row, so that any run can resume it.

import { normalizeAddress } from "../model/address.ts";
import { unicodeAddress } from "../model/domain-spellings.ts";
import type { Db } from "./db.ts";
import {
  storedColumns,
  toStoredRows,
  type StoredColumns,
  type StoredRow,
} from "./events/by-archive-object.ts";
import { inFeedOrder, walkFeedRows } from "./feed-rows.ts";
import { rangeOf } from "./prefix-range.ts";

/** How far the step has come. Times in ms since the epoch. */
export interface Respelling {
  started_at: number | null;
  /** Through the contacts: 1, 2, or 3 once both are done. */
  pass: number;
  contact: string;
  seq: number;
  moved: number;
  finished_at: number | null;
}

/**
 * SQL: whether an address may have another key now, which is true for few. The indexes `contacts_former` and
 * `suppressions_former` have the same condition.
 */
const mayDiffer = (contact: string): string => `(length(${contact}) <> octet_length(${contact})
  OR ${contact} <> rtrim(${contact}, '.,;''"\`') OR instr(${contact}, '"') > 0 OR instr(${contact}, ':') > 0
  OR instr(${contact}, ';') > 0)`;

/** The key of an address that was stored under another spelling; null if it has none, or is its own key. */
export function newKeyOf(contact: string): string | null {
  const key = normalizeAddress(contact);
  return key === contact ? null : key;
}

/** Reads how far the step has come. */
export async function readRespelling(db: Db): Promise<Respelling> {
  const row = await db.prepare("SELECT * FROM respelling").first<Respelling>();
  if (row === null) throw new Error("the table `respelling` has no row");
  return row;
}

/** Stores how far the step has come. */
export async function writeRespelling(db: Db, row: Respelling): Promise<void> {
  await db
    .prepare(
      `UPDATE respelling SET started_at = ?1, pass = ?2, contact = ?3, seq = ?4, moved = ?5, finished_at = ?6`,
    )
    .bind(row.started_at, row.pass, row.contact, row.seq, row.moved, row.finished_at)
    .run();
}

/** A page: contacts that may have another key, and the last row that was looked at (null if there was none). */
export interface Page<Cursor> {
  contacts: string[];
  next: Cursor | null;
}

const CONTACTS_A_PAGE = 500;
const EVENTS_A_PAGE = 50_000;

/** The next contacts with a state that may have another key, behind `after`. */
export async function pageOfContacts(db: Db, after: string): Promise<Page<string>> {
  const { results } = await db
    .prepare(
      `SELECT f.contact FROM contacts AS f INDEXED BY contacts_former
       WHERE ${mayDiffer("f.contact")} AND f.contact > ?1 ORDER BY f.contact LIMIT ${CONTACTS_A_PAGE}`,
    )
    .bind(after)
    .all<{ contact: string }>();
  const contacts = results.map(({ contact }) => contact);
  return { contacts, next: contacts.at(-1) ?? null };
}

/** The contacts of the next events of the feed, behind `after`. */
export async function pageOfFeed(db: Db, after: number): Promise<Page<number>> {
  const window = `SELECT e.seq, e.contact ${walkFeedRows({ after: "?1" })} ${inFeedOrder("asc")} LIMIT ${EVENTS_A_PAGE}`;
  const [found, edge] = await db.batch<{ contact: string; last: number | null }>([
    db.prepare(`SELECT DISTINCT contact FROM (${window}) WHERE ${mayDiffer("contact")}`).bind(after),
    db.prepare(`SELECT max(seq) AS last FROM (${window})`).bind(after),
  ]);
  return {
    contacts: (found?.results ?? []).map(({ contact }) => contact),
    next: edge?.results[0]?.last ?? null,
  };
}

/** SQL: whether the step has not finished. Once it has, nothing else of a query with this condition is looked at. */
const UNDER_WAY = "(SELECT finished_at FROM respelling) IS NULL";

/**
 * The query for suppressions that may be under former spellings, which nobody finds by their key as long as the contacts
 * have not moved. `columns` and `condition`: SQL, for suppressions `f`.
 */
export const FORMER = (columns: string, condition: string): string => `
  SELECT ${columns} FROM suppressions AS f INDEXED BY suppressions_former
  WHERE ${UNDER_WAY} AND ${mayDiffer("f.contact")} AND (${condition}) ORDER BY f.at, f.event`;

/**
 * Former spellings of this address under which something is stored, until the step has finished: those that have a
 * state, and the one with the domain in Unicode.
 */
export async function formerSpellings(db: Db, contact: string): Promise<string[]> {
  const unicode = unicodeAddress(contact);
  const [states, events] = await db.batch<{ contact: string }>([
    db.prepare(
      `SELECT f.contact FROM contacts AS f INDEXED BY contacts_former WHERE ${mayDiffer("f.contact")}`,
    ),
    db
      .prepare(
        `SELECT e.contact FROM events AS e
         WHERE ${UNDER_WAY} AND e.id >= ?1 AND e.id < ?2 AND +e.contact = ?3 LIMIT 1`,
      )
      .bind(...rangeOf(unicode)),
  ]);
  const found = [...(states?.results ?? []), ...(events?.results ?? [])].map((row) => row.contact);
  return [...new Set(found)].filter((one) => newKeyOf(one) === contact);
}

/** Some events of a contact, at most `most`. */
export async function eventsOf(db: Db, contact: string, most: number): Promise<StoredRow[]> {
  const { results } = await db
    .prepare(
      `SELECT ${storedColumns("events")} FROM events WHERE id >= ?1 AND id < ?2 AND contact = ?3 ORDER BY id LIMIT ?4`,
    )
    .bind(...rangeOf(contact), most)
    .all<StoredColumns>();
  return await toStoredRows(results);
}

/** Notes that a contact is moving, so that its suppressions do not count as lifted when they go. */
export async function beginMove(db: Db, contact: string): Promise<void> {
  await db.prepare("INSERT INTO respelled (contact) VALUES (?1) ON CONFLICT DO NOTHING").bind(contact).run();
}

/** Notes up to which version the contact's state has moved, before its object forgets it. */
export async function noteMoved(db: Db, contact: string, version: number): Promise<void> {
  await db
    .prepare("UPDATE respelled SET version = max(version, ?2) WHERE contact = ?1")
    .bind(contact, version)
    .run();
}

/** Deletes the rows of a contact that has moved, up to the version that moved. */
export async function endMove(db: D1Database, contact: string): Promise<void> {
  const moved = "(SELECT version FROM respelled WHERE contact = ?1)";
  const statements = [
    ...["suppressions", "contacts"].map(
      (table) => `DELETE FROM ${table} WHERE contact = ?1 AND version <= ${moved}`,
    ),
    "DELETE FROM respelled WHERE contact = ?1",
  ];
  await db.batch(statements.map((sql) => db.prepare(sql).bind(contact)));
}
