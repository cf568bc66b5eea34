// Two words of a filter are replaced by hidden names before the CEL library sees it, because it uses them itself:
// `type`, its type of types, and the method `matches`, whose regular expressions could hang. The hidden names have the
// same length, so that positions in the text stay right.

import { fail, ok, type Result } from "../../lib/result.ts";

/** Words and their hidden names. No filter may use a hidden name. */
export const HIDDEN = { type: "_ty_", matches: "_match_" } as const;

/** Tokens: comments, strings (raw ones and bytes end like others), words, blanks, and any other single character. */
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

/** The tokens of a filter, with runs of operators (`===`, `<>`) in one. Together they are the text. */
export function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  for (const token of text.match(TOKEN) ?? []) {
    const last = tokens.at(-1);
    if (last !== undefined && OPERATOR.test(last) && OPERATOR.test(token))
      tokens[tokens.length - 1] = last + token;
    else tokens.push(token);
  }
  return tokens;
}

const OPERATOR = /^[=!<>&|]+$/;

function following(tokens: readonly string[], index: number): string | undefined {
  for (let i = index + 1; i < tokens.length; i++) if (!BLANK.test(tokens[i] ?? "")) return tokens[i];
  return undefined;
}

/** The library's message about a filter, with the filter's own words. */
export function showWords(message: string): string {
  return message.replace(/\b_ty_\b/g, "type").replace(/\b_match_\b/g, "matches");
}
