// Splits a text of a template into what stands as it is and the expressions in `{{ }}`.

import { fail, ok, type Result } from "../../lib/result.ts";

/** A piece of a text: itself, or an expression. */
export type Piece = string | { expression: string };

/** A string of CEL, or its end. Braces within a string belong to the expression. */
const TOKEN = /"(?:\\[^]|[^"\\])*"?|'(?:\\[^]|[^'\\])*'?|\}\}|[^]/gy;

/** The pieces in their order, none of them empty. Fails if an expression does not end, or is empty. */
export function splitText(text: string): Result<Piece[]> {
  const pieces: Piece[] = [];
  let at = 0;
  for (;;) {
    const open = text.indexOf("{{", at);
    const before = text.slice(at, open === -1 ? text.length : open);
    if (before !== "") pieces.push(before);
    if (open === -1) return ok(pieces);
    const close = endOf(text, open + 2);
    if (close === -1) return fail("has a {{ without }}");
    const expression = text.slice(open + 2, close);
    if (expression.trim() === "") return fail("has {{ }} without an expression");
    pieces.push({ expression: expression.trim() });
    at = close + 2;
  }
}

/** Where the `}}` is that ends the expression which begins at `from`; -1 if there is none. */
function endOf(text: string, from: number): number {
  TOKEN.lastIndex = from;
  for (let at = from; at < text.length; at = TOKEN.lastIndex) {
    const [token] = TOKEN.exec(text) ?? [];
    if (token === undefined) return -1;
    if (token === "}}") return at;
  }
  return -1;
}
