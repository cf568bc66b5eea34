// Removes an address from the notes of others' suppressions. A contact's object holds them, too, and stores them again
// with its next change. So it changes them first: if the process dies in between, the rows still lead to it.

import { contactOf } from "../config/objects.ts";
import { inPool } from "../lib/pool.ts";
import { mentions } from "../model/address-search.ts";
import { storeOf } from "../store/db.ts";
import { piecesOf } from "../store/erasure/may-mention.ts";
import { pageOfNotes, readNotes, writeNotes, type NotesRow } from "../store/erasure/notes-walk.ts";
import { AT_ONCE } from "../store/erasure/rows-walk.ts";
import { withoutMention, type Leaving, type Step } from "./mentions.ts";

/** Objects that are asked at the same time, and the deadline for all of them together, ms. */
const OBJECTS = { atOnce: 16, deadline: { ms: 30_000, of: "the contacts" } };

/** Does a page of the walk. `after`: the contact behind which it begins, hexadecimal, so that cursors hold no address. */
export async function stepNotes(env: Env, after: string, leaving: readonly Leaving[]): Promise<Step> {
  const db = storeOf(env);
  const pieces = piecesOf(leaving.map(({ contact }) => contact));
  const { last, contacts } = await pageOfNotes(db, Buffer.from(after, "hex").toString(), pieces);
  const changed = new Map<string, number>();
  for (let at = 0; at < contacts.length; at += AT_ONCE) {
    const rows = await readNotes(db, contacts.slice(at, at + AT_ONCE));
    const changes = rows.flatMap((before) => changeOf(before, leaving, changed));
    const concerned = [...new Set(changes.map(({ before }) => before.contact))];
    await inPool(concerned, OBJECTS, async (contact) => await rewordIn(env, contact, leaving));
    await writeNotes(db, changes);
  }
  return { next: last === null ? null : Buffer.from(last).toString("hex"), changed };
}

/** The row without the addresses of those who were erased after its notes were written; nothing if it stays. */
function changeOf(
  before: NotesRow,
  leaving: readonly Leaving[],
  changed: Map<string, number>,
): { before: NotesRow; after: NotesRow }[] {
  const others = leaving.filter(({ contact }) => contact !== before.contact);
  const note = withoutAny({ note: before.note, at: before.at }, others);
  const lift_note = withoutAny({ note: before.lift_note, at: before.lifted_at ?? Infinity }, others);
  if (note === before.note && lift_note === before.lift_note) return [];
  for (const { contact } of others)
    if ([before.note, before.lift_note].some((text) => mentions(text ?? "", contact)))
      changed.set(contact, (changed.get(contact) ?? 0) + 1);
  return [{ before, after: { ...before, note, lift_note } }];
}

/** A note without the addresses of those who were erased after it was written. `at`: ms. */
function withoutAny<T extends string | null>(
  { note, at }: { note: T; at: number },
  leaving: readonly Leaving[],
): T | string {
  if (note === null) return note;
  let left: string = note;
  for (const { contact, until } of leaving) if (at <= until) left = withoutMention(left, contact);
  return left;
}

async function rewordIn(env: Env, contact: string, leaving: readonly Leaving[]): Promise<void> {
  const object = contactOf(env, contact);
  const others = leaving.filter((one) => one.contact !== contact);
  const rewordings = (await object.notes()).flatMap((one): [string, string][] => {
    const left = withoutAny(one, others);
    return left === one.note ? [] : [[one.note, left]];
  });
  if (rewordings.length > 0) await object.reword(rewordings);
}
