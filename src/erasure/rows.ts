// The walk through the database. The address of an erased contact may stand in the rows of others (custom ids, metadata,
// words of servers, message ids), in names of campaigns and tags, and in logs. The walk reads these tables in pages, once
// for all erasures under way, from the cursor of the one that has come least far. Both passes read everything, because
// reading history anew may change rows that a pass has left behind.

import { mentions } from "../model/address-search.ts";
import { storeOf } from "../store/db.ts";
import type { Running } from "../store/erasure/erasures.ts";
import { piecesOf } from "../store/erasure/may-mention.ts";
import {
  AT_ONCE,
  moveRowsOn,
  NAMED_COUNTERS,
  pageOfEvents,
  pageOfNames,
  pageOfTexts,
  readEvents,
  readTexts,
  renameCells,
  TEXTS,
  writeTexts,
  type NamedCounter,
  type TextTable,
} from "../store/erasure/rows-walk.ts";
import { DISTURB_RECOUNT } from "../store/stats/recount.ts";
import { inPortions } from "../store/json-pieces.ts";
import { storeReplacements, type Replacement } from "../store/write/replace.ts";
import {
  withoutMention,
  withoutMentionInJson,
  withoutMentions,
  type Leaving,
  type Step,
} from "./mentions.ts";
import { stepNotes } from "./notes.ts";
import { WALKED } from "./walk.ts";

interface Table {
  /** The counter of the receipt. */
  counts: "mentions" | "names";
  step(env: Env, after: string, leaving: readonly Leaving[]): Promise<Step>;
}

/** All tables, in the order of the walk. Counters come after the events, so that no row has the names any more. */
const TABLES: readonly Table[] = [
  { counts: "mentions", step: stepEvents },
  ...(Object.keys(NAMED_COUNTERS) as NamedCounter[]).map((table): Table => ({
    counts: "names",
    step: async (env, after, leaving) => await stepNames(env, table, after, leaving),
  })),
  ...(Object.keys(TEXTS) as TextTable[]).map((table): Table => ({
    counts: "mentions",
    step: async (env, after, leaving) => await stepTexts(env, table, after, leaving),
  })),
  { counts: "mentions", step: stepNotes },
];

/** Numbers in cursors have so many digits, so that they sort as texts. */
const DIGITS = 16;

/** The cursor of a walk: the place of its table, and the key of the last row. Cursors sort in the walk's order. */
const cursorOf = (table: number, key: string): string =>
  table < TABLES.length ? `${String(table).padStart(2, "0")}:${key}` : WALKED;

/** Continues the walk for the erasures, over at most `most` pages. Returns the erasures with their new cursors. */
export async function walkRows(env: Env, erasures: readonly Running[], most: number): Promise<Running[]> {
  let all = [...erasures];
  for (let page = 0; page < most; page++) {
    const [from] = all.map(({ rows_cursor }) => rows_cursor).sort();
    if (from === undefined || from === WALKED) return all;
    all = await walkPage(env, all, from);
  }
  return all;
}

async function walkPage(env: Env, all: readonly Running[], from: string): Promise<Running[]> {
  const at = from === "" ? 0 : Number(from.slice(0, 2));
  const table = TABLES[at];
  if (table === undefined) throw new Error("the cursor of an erasure names no table");
  const leaving = all.map(({ contact, erased_at }) => ({ contact, until: erased_at ?? 0 }));
  const { next, changed } = await table.step(env, from.slice(3), leaving);
  const to = next === null ? cursorOf(at + 1, "") : cursorOf(at, next);
  const moving = all.filter(({ rows_cursor }) => rows_cursor < to);
  await moveRowsOn(
    storeOf(env),
    moving.map((erasure) => {
      const count = changed.get(erasure.contact) ?? 0;
      const found = { mentions: 0, names: 0, [table.counts]: count };
      return { erasure, cursor: to, found };
    }),
  );
  return all.map((erasure) => (moving.includes(erasure) ? { ...erasure, rows_cursor: to } : erasure));
}

const addressesOf = (leaving: readonly Leaving[]): string[] => leaving.map(({ contact }) => contact);

async function stepEvents(env: Env, after: string, leaving: readonly Leaving[]): Promise<Step> {
  const db = storeOf(env);
  const { last, keys } = await pageOfEvents(db, Number(after), piecesOf(addressesOf(leaving)));
  const changed = new Map<string, number>();
  for (let at = 0; at < keys.length; at += AT_ONCE) {
    const replacements: Replacement[] = [];
    for (const before of await readEvents(db, keys.slice(at, at + AT_ONCE))) {
      const row = withoutMentions(before, leaving);
      if (row === before) continue;
      const { seq: _, ...left } = row;
      replacements.push({ before, after: left });
      for (const one of leaving) if (withoutMentions(before, [one]) !== before) count(changed, one.contact);
    }
    for (const some of inPortions(replacements, (one) => JSON.stringify(one).length))
      await storeReplacements(db, some, "texts");
  }
  return { next: keyOf(last), changed };
}

async function stepNames(
  env: Env,
  table: NamedCounter,
  after: string,
  leaving: readonly Leaving[],
): Promise<Step> {
  const db = storeOf(env);
  const { names, isLast } = await pageOfNames(db, table, Buffer.from(after, "hex").toString());
  const changed = new Map<string, number>();
  for (const name of names) {
    const concerned = leaving.filter(({ contact }) => mentions(name, contact));
    const left = concerned.reduce((text, { contact }) => withoutMention(text, contact), name);
    if (left === name || !(await renameCells(db, table, name, left))) continue;
    for (const { contact } of concerned) count(changed, contact);
  }
  if (changed.size > 0) await db.batch(DISTURB_RECOUNT.map((sql) => db.prepare(sql)));
  return { next: isLast ? null : Buffer.from(names.at(-1) ?? "").toString("hex"), changed };
}

async function stepTexts(
  env: Env,
  table: TextTable,
  after: string,
  leaving: readonly Leaving[],
): Promise<Step> {
  const db = storeOf(env);
  const isJson = table === "notices";
  const clean = isJson ? withoutMentionInJson : withoutMention;
  const from = isJson ? Number(after) : after;
  const { last, keys } = await pageOfTexts(db, table, from, piecesOf(addressesOf(leaving)));
  const changed = new Map<string, number>();
  for (let at = 0; at < keys.length; at += AT_ONCE) {
    const rows = await readTexts(db, table, keys.slice(at, at + AT_ONCE));
    const left = rows.flatMap((row) => {
      const concerned = leaving.filter(
        ({ contact, until }) => row.at <= until && row.texts.some((text) => mentions(text ?? "", contact)),
      );
      for (const { contact } of concerned) count(changed, contact);
      const texts = row.texts.map((text) =>
        text === null ? null : concerned.reduce((one, { contact }) => clean(one, contact), text),
      );
      return concerned.length > 0 ? [{ ...row, texts }] : [];
    });
    await writeTexts(db, table, left);
  }
  return { next: keyOf(last), changed };
}

function count(counts: Map<string, number>, contact: string): void {
  counts.set(contact, (counts.get(contact) ?? 0) + 1);
}

function keyOf(last: string | number | null): string | null {
  return typeof last === "number" ? String(last).padStart(DIGITS, "0") : last;
}
