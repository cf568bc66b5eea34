// What the databases of a run with several hold together, as if it were one. Tests ask in SQL what is stored, so the tables
// that a query names are copied into a database of their own, and asked there: counters are added up, and what has the same
// key in several databases is there once.

import { env } from "cloudflare:workers";
import { inPieces } from "../../src/store/json-pieces.ts";

/** The databases of this run, the home first. */
export function databases(): [D1Database, ...D1Database[]] {
  const others: D1Database[] = [];
  for (let number = 1; ; number++) {
    const db: unknown = Reflect.get(env, `DB_${number}`);
    if (db === undefined) return [env.DB, ...others];
    others.push(db as D1Database);
  }
}

/** All rows of a query to everything that is stored. */
export async function queryAll<T>(sql: string): Promise<T[]> {
  const [home, ...others] = databases();
  const db = others.length === 0 ? home : await merged(sql);
  return (await db.prepare(sql).all<T>()).results;
}

type Row = Record<string, unknown>;

/** Columns that count something, by table: these are added up where a key lies in several databases. */
const SUMS: Readonly<Record<string, readonly string[]>> = {
  rollups: ["n", "gone"],
  day_rollups: ["n", "gone"],
  tag_rollups: ["n", "gone"],
  campaign_rollups: ["n", "gone", "uniques", "unique_humans"],
  sources: ["events", "duplicates", "pings", "outside"],
  unknown_words: ["n"],
};
/** Rows with which the feeds of further databases begin; a deployment with one has none. */
const BEGINNINGS: Readonly<Record<string, string>> = {
  feed: "batch = '' AND ids IN ('[null]', '[]')",
  notices: "type = 'gone' AND told = 0",
};

/** The views of the schema, which are copied as tables, and by what a row of them is known. */
const VIEWS: Readonly<Record<string, string>> = { events: "id", messages: "message_id, prefix" };

/** SQL for a table with the columns of a view. */
async function tableLike(view: string, key: string): Promise<string> {
  const { results } = await env.DB.prepare("SELECT name FROM pragma_table_info(?1)")
    .bind(view)
    .all<{ name: string }>();
  return `CREATE TABLE ${view} (${results.map(({ name }) => name).join(", ")}, PRIMARY KEY (${key}))`;
}

/** A database with the tables that the query names. */
async function merged(sql: string): Promise<D1Database> {
  const into = Reflect.get(env, "MERGED") as D1Database;
  const schema = await env.DB.prepare(
    "SELECT type, tbl_name, sql FROM sqlite_schema WHERE type IN ('table', 'index') AND sql IS NOT NULL",
  ).all<{ type: string; tbl_name: string; sql: string }>();
  const words = new Set(sql.match(/\w+/g));
  const named = schema.results.filter(({ tbl_name }) => words.has(tbl_name));
  const views = Object.entries(VIEWS).filter(([view]) => words.has(view));
  const tables = [
    ...named.filter(({ type }) => type === "table"),
    ...(await Promise.all(
      views.map(async ([view, key]) => ({ tbl_name: view, sql: await tableLike(view, key) })),
    )),
  ];
  await into.batch([
    into.prepare("SELECT 1"),
    ...tables.map(({ tbl_name }) => into.prepare(`DROP TABLE IF EXISTS ${tbl_name}`)),
    ...tables.map((one) => into.prepare(one.sql)),
    ...named.filter(({ type }) => type === "index").map((one) => into.prepare(one.sql)),
  ]);
  for (const { tbl_name } of tables) await fill(into, tbl_name);
  return into;
}

async function fill(into: D1Database, table: string): Promise<void> {
  const own = await into
    .prepare("SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk")
    .bind(table)
    .all<{ name: string }>();
  const keys = own.results.map(({ name }) => name);
  const rows = new Map<string, Row>();
  for (const [number, db] of databases().entries()) {
    const beginning = BEGINNINGS[table];
    const where = number > 0 && beginning !== undefined ? `WHERE NOT (${beginning})` : "";
    const { results } = await db.prepare(`SELECT * FROM ${table} ${where}`).all<Row>();
    for (const row of results) {
      const key = JSON.stringify(keys.length > 0 ? keys.map((name) => row[name]) : row);
      rows.set(key, joined(rows.get(key), row, SUMS[table]));
    }
  }
  await insert(into, table, [...rows.values()]);
}

async function insert(into: D1Database, table: string, rows: readonly Row[]): Promise<void> {
  const names = Object.keys(rows[0] ?? {});
  if (names.length === 0) return;
  const columns = names.join(", ");
  const places = names.map((_, i) => `?${i + 1}`).join(", ");
  const lists = rows.map((row) => Object.values(row));
  const [withBlobs, plain] = [true, false].map((wanted) =>
    lists.filter((list) => list.some(Array.isArray) === wanted),
  );
  const statements = (withBlobs ?? []).map((list) =>
    into.prepare(`INSERT INTO ${table} (${columns}) VALUES (${places})`).bind(...list.map(bound)),
  );
  const values = names.map((_, i) => `value->>${i}`).join(", ");
  for (const piece of inPieces((plain ?? []).map((list) => JSON.stringify(list))))
    statements.push(
      into.prepare(`INSERT INTO ${table} (${columns}) SELECT ${values} FROM json_each(?1)`).bind(piece),
    );
  for (let at = 0; at < statements.length; at += 200) await into.batch(statements.slice(at, at + 200));
}

/** Two rows of one key: what counts is added up, of times and the like the later is taken. */
function joined(before: Row | undefined, row: Row, sums: readonly string[] | undefined): Row {
  if (before === undefined || sums === undefined) return before ?? row;
  const both = Object.entries(row).map(([name, value]) => {
    const other = before[name];
    if (sums.includes(name)) return [name, Number(other) + Number(value)];
    if (typeof value === "number" && typeof other === "number") return [name, Math.max(value, other)];
    return [name, value ?? other];
  });
  return Object.fromEntries(both) as Row;
}

/** A value as it is bound: D1 tells a blob as a list of its bytes. */
const bound = (value: unknown): unknown =>
  Array.isArray(value) ? Uint8Array.from(value as number[]) : value;
