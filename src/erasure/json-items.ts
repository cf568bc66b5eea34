// Finds the items of the arrays in a JSON text, so that some can be removed while the rest of the text stays unchanged.

/** An item of an array. `start`, `end`: its place in the text; `depth`: how many arrays contain it, from 1. */
export interface Item {
  start: number;
  end: number;
  depth: number;
}

/** All items of all arrays of a valid JSON text. It is a loop, not recursion, so no nesting is too deep for it. */
export function itemsOf(text: string): Item[] {
  const items: Item[] = [];
  const open: { array: boolean; start: number }[] = [];
  let depth = 0;
  const close = (end: number): void => {
    const top = open.at(-1);
    if (top?.array !== true) return;
    const written = text.slice(top.start, end);
    const start = top.start + written.length - written.trimStart().length;
    if (written.trim() !== "") items.push({ start, end: start + written.trim().length, depth });
    top.start = end + 1;
  };
  for (let at = 0; at < text.length; at++) {
    switch (text[at]) {
      case '"':
        for (at += 1; at < text.length && text[at] !== '"'; at++) if (text[at] === "\\") at += 1;
        break;
      case "[":
      case "{": {
        const array = text[at] === "[";
        open.push({ array, start: at + 1 });
        if (array) depth += 1;
        break;
      }
      case ",":
        close(at);
        break;
      case "]":
      case "}":
        close(at);
        if (open.pop()?.array === true) depth -= 1;
        break;
      default:
    }
  }
  return items;
}
