// Two words of a filter go by hidden names into the CEL library, which keeps them for itself: `type`, which it takes for
// CEL's type of types, and the method `matches`, whose regular expressions could hang. The hidden names are as long, so
// that every place in the text stays where it was.

import { fail, ok, type Result } from "../../lib/result.ts";

/** Word to hidden name. No filter may use the hidden ones. */
export const HIDDEN = { type: "_ty_", matches: "_match_" } as const;

/** Comments, strings (raw ones and bytes end like others), words, blanks, and single characters for all else. */
const TOKEN =
  /\/\/[^\n]*|("""|''')(?:\\[^]|(?!\1)[^\\])*(?:\1)?|"(?:\\[^]|[^"\\\n\r])*"?|'(?:\\[^]|[^'\\\n\r])*'?|\w+|[ \t\n\r]+|[^]/g;
const BLANK = /^(?:\/\/|[ \t\n\r])/;
const taken = new Set<string>(Object.values(HIDDEN));

/**
 * The filter with hidden names where its words are variables and methods; strings, comments, members (`x.type`) and the
 * call `type(x)` stay as they are.
 */
export function hideWords(text: string): Result<string> {
  const tokens = text.match(TOKEN) ?? [];
  let before = "";
  let hidden = "";
  for (const [i, token] of tokens.entries()) {
    if (taken.has(token)) return fail(`unknown name: ${token}`);
    if (token === "type" && before !== "." && following(tokens, i) !== "(") hidden += HIDDEN.type;
    else if (token === "matches" && before === "." && following(tokens, i) === "(") hidden += HIDDEN.matches;
    else hidden += token;
    if (!BLANK.test(token)) before = token;
  }
  return ok(hidden);
}

function following(tokens: readonly string[], index: number): string | undefined {
  for (let i = index + 1; i < tokens.length; i++) if (!BLANK.test(tokens[i] ?? "")) return tokens[i];
  return undefined;
}

/** What the library says of a filter, in the filter's own words. */
export function showWords(message: string): string {
  return message.replace(/\b_ty_\b/g, "type").replace(/\b_match_\b/g, "matches");
}
