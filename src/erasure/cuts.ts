// Cuts one address out of a text: items of JSON arrays become null, and elsewhere the address is replaced. Nothing else
// of the text changes, so no item moves.

import { ERASED_ADDRESS, mentions, placesOf } from "../model/address-search.ts";
import { readJsonText } from "../providers/kit/json.ts";
import { itemsOf, type Item } from "./json-items.ts";

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
  let found = false;
  const fields = text.split("&").map((field) => {
    const [name = "", value = ""] = field.split("=", 2);
    const decoded = new URLSearchParams(`v=${value}`).get("v") ?? "";
    const json = mentions(decoded, contact) && readJsonText(decoded, JSON.parse).ok;
    const left = json ? withoutJsonItems(decoded, contact, cutting) : null;
    if (left === null) return replaced(field, contact);
    found = true;
    return `${name}=${encodeURIComponent(left)}`;
  });
  return found ? fields.join("&") : null;
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
  for (const [index, item] of itemsAt(text, depth).entries()) {
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

function itemsAt(text: string, depth: number): Item[] {
  return itemsOf(text).filter((item) => item.depth === depth);
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
