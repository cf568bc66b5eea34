// Finds the items of the arrays in a JSON text, so that some can be removed while the rest of the text stays unchanged.

import { endOfString } from "../lib/json-size.ts";

/** An item of an array, by its place in the text. */
export interface Item {
  start: number;
  end: number;
}

/**
 * The items of a valid JSON text that are within `depth` arrays (from 1), in order. It is a loop, not recursion, so no
 * nesting is too deep for it, and it gives one item after the other, because there may be hundreds of thousands.
 */
export function* itemsOf(text: string, depth: number): Generator<Item> {
  const open: { array: boolean; start: number }[] = [];
  let arrays = 0;
  for (let at = 0; at < text.length; at++) {
    const letter = text[at];
    if (letter === '"') at = endOfString(text, at);
    else if (letter === "[" || letter === "{") {
      open.push({ array: letter === "[", start: at + 1 });
      if (letter === "[") arrays += 1;
    } else if (letter === "," || letter === "]" || letter === "}") {
      const top = open.at(-1);
      if (top?.array === true && arrays === depth) {
        const item = trimmed(text, top.start, at);
        if (item.start < item.end) yield item;
        top.start = at + 1;
      }
      if (letter !== "," && open.pop()?.array === true) arrays -= 1;
    }
  }
}

const isBlank = (letter: string | undefined): boolean =>
  letter === " " || letter === "\n" || letter === "\r" || letter === "\t";

function trimmed(text: string, from: number, to: number): Item {
  let [start, end] = [from, to];
  while (start < end && isBlank(text[start])) start += 1;
  while (end > start && isBlank(text[end - 1])) end -= 1;
  return { start, end };
}
