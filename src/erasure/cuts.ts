// Cuts one address out of a text: items of JSON arrays become null, and elsewhere the address is replaced. Nothing else
// of the text changes, so no item moves.

import { ERASED_ADDRESS, mentions, placesOf } from "../model/address-search.ts";
import { readJsonText } from "../providers/kit/json.ts";
import { itemsOf } from "./json-items.ts";

/**
 * What becomes of an item that names the contact. `gone`: it becomes null. `parts`: items of arrays within it that name
 * the contact become null. `words`: only the address in it is replaced.
 */
export type Fate = "gone" | "parts" | "words";

/** The fate of an item by its place among all items of its depth, from 0, and its text. */
export type FateOf = (place: number, text: string) => Fate;

/** How deep the items are (how many arrays contain them, from 1), and what becomes of those that name the contact. */
export interface Cutting {
  depth: number;
  fateOf: FateOf;
}

/** A part of a text, and what is put in its place. */
interface Cut {
  start: number;
  end: number;
  put: string;
}

/** The text with the address replaced wherever it stands. */
export function replaced(text: string, contact: string): string {
  return withCuts(
    text,
    placesOf(text, contact).map(([start, end]) => ({ start, end, put: ERASED_ADDRESS })),
  );
}

/** The text, JSON or a form with JSON in a field, without the contact; null if no item of this depth names it. */
export function withoutItems(text: string, contact: string, cutting: Cutting): string | null {
  if (readJsonText(text, JSON.parse).ok) return withoutJsonItems(text, contact, cutting);
  let changed = false;
  let left = "";
  let copied = 0;
  for (let start = 0; start <= text.length;) {
    const end = endOf(text, "&", start);
    const field = withoutFieldItems(text.slice(start, end), contact, cutting);
    if (field !== null) {
      changed ||= field.items;
      left += text.slice(copied, start) + field.text;
      copied = end;
    }
    start = end + 1;
  }
  return changed ? left + text.slice(copied) : null;
}

/** The place of the mark in the text, from `start` on; the text's length if it has none. */
function endOf(text: string, mark: string, start: number): number {
  const at = text.indexOf(mark, start);
  return at < 0 ? text.length : at;
}

/** A form's field without the contact, and whether items were removed from it; null if it does not name the contact. */
function withoutFieldItems(
  field: string,
  contact: string,
  cutting: Cutting,
): { text: string; items: boolean } | null {
  if (field.length < contact.length) return null; // no escape is shorter than what it stands for
  const [name = "", value = ""] = field.split("=", 2);
  const decoded = new URLSearchParams(`v=${value}`).get("v") ?? "";
  const json = mentions(decoded, contact) && readJsonText(decoded, JSON.parse).ok;
  const left = json ? withoutJsonItems(decoded, contact, cutting) : null;
  if (left !== null) return { text: `${name}=${encodeURIComponent(left)}`, items: true };
  const text = replaced(field, contact);
  return text === field ? null : { text, items: false };
}

function withoutJsonItems(text: string, contact: string, { depth, fateOf }: Cutting): string | null {
  const places = placesOf(text, contact);
  const cuts: Cut[] = [];
  let next = 0; // the first place that does not lie before the item; both are in order
  let changed = 0;
  const replaceNext = (): void => {
    const [start, end] = places[next++] ?? [0, 0];
    cuts.push({ start, end, put: ERASED_ADDRESS });
  };
  let index = -1;
  for (const item of itemsOf(text, depth)) {
    index += 1;
    while (next < places.length && (places[next]?.[0] ?? 0) < item.start) replaceNext();
    const first = next;
    while (next < places.length && (places[next]?.[0] ?? 0) < item.end) next += 1;
    // An address that places cannot tell, as one with a letter that is longer in lower case, still names the item.
    const own = text.slice(item.start, item.end);
    if (first === next && !(places.length === 0 && mentions(own, contact))) continue;
    changed += 1;
    const fate = fateOf(index, own);
    cuts.push({ ...item, put: fate === "gone" ? "null" : partsOf(own, contact, fate) });
  }
  while (next < places.length) replaceNext();
  return changed === 0 ? null : withCuts(text, cuts);
}

function partsOf(text: string, contact: string, fate: "parts" | "words"): string {
  const left = fate === "parts" ? withoutJsonItems(text, contact, { depth: 1, fateOf: () => "gone" }) : null;
  return left ?? replaced(text, contact);
}

/** The text with the cuts, which are in order. One that begins within another is left out. */
function withCuts(text: string, cuts: readonly Cut[]): string {
  const pieces: string[] = [];
  let copied = 0;
  for (const { start, end, put } of cuts) {
    if (start < copied) continue;
    pieces.push(text.slice(copied, start), put);
    copied = end;
  }
  return pieces.length === 0 ? text : pieces.join("") + text.slice(copied);
}
