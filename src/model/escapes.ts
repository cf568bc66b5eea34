// Escapes in which an address may be written in a body: those of JSON (also JSON within JSON), of URLs and forms (also
// encoded several times), and the numbers of XML. They are read in one pass over the text, which also removes invisible
// characters, escaped or not.

import { hasInvisible, withoutInvisible } from "./invisible.ts";

// A run of backslashes is tried from its first one only: from each of them it would take the square of its length.
// Percent-encoded bytes are read one character of UTF-8 at a time.
const ESCAPE =
  /(?<!\\)\\+(?:u([0-9a-f]{4})|([nrtbf]))|(%(?:25)*[c-f][0-9a-f](?:%(?:25)*[89ab][0-9a-f]){0,3}|%(?:25)*[0-9ab][0-9a-f])|&#(?:(\d{1,7})|x([0-9a-f]{1,6}));/gi;
/** For the few texts that have invisible characters, because it takes longer. */
const ESCAPE_OR_INVISIBLE = new RegExp(`${ESCAPE.source}|[\\p{Cf}\\p{Default_Ignorable_Code_Point}]`, "giu");

const escapesIn = (text: string): RegExp => (hasInvisible(text) ? ESCAPE_OR_INVISIBLE : ESCAPE);

const utf8 = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });

/** What an escape stands for; nothing for an invisible character. */
function decode(match: readonly (string | undefined)[]): string {
  return withoutInvisible(decodeEscape(match));
}

function decodeEscape([whole, ...groups]: readonly (string | undefined)[]): string {
  const [unit, letter, percent, decimal, hexadecimal] = groups;
  if (unit !== undefined) return String.fromCharCode(parseInt(unit, 16));
  if (letter !== undefined) return " ";
  if (percent !== undefined) return decodePercent(percent);
  if (decimal === undefined && hexadecimal === undefined) return whole ?? "";
  const code = decimal === undefined ? parseInt(hexadecimal ?? "0", 16) : Number(decimal);
  return code > 0x10ffff ? " " : String.fromCodePoint(code);
}

/** Percent-decodes (https://url.spec.whatwg.org/#percent-decode) a text that was encoded once or several times. */
function decodePercent(text: string): string {
  const last = parseInt(text.slice(-2), 16);
  if (last < 0x80) return String.fromCharCode(last); // one ASCII character, the most frequent case
  const pairs = text.replaceAll(/%(?:25)*(?=[0-9a-f]{2})/gi, "");
  return utf8.decode(Uint8Array.from(pairs.match(/../g) ?? [], (pair) => parseInt(pair, 16)));
}

/** The text with all escapes decoded, without invisible characters. */
export function unescaped(text: string): string {
  return text.replaceAll(escapesIn(text), (...match: string[]) => decode(match.slice(0, 6)));
}

/**
 * Where offsets of the unescaped text lie in the text itself. `offsets`: in ascending order; those within what one
 * escape decodes to lie at the escape's beginning. Nothing is kept for each character, because a text may be 5 MB.
 */
export function originsOf(text: string, offsets: readonly number[]): number[] {
  const origins: number[] = [];
  let plainAt = 0; // how far the unescaped text has come, and the text
  let textAt = 0;
  const place = (until: number, originOf: (offset: number) => number): void => {
    for (
      let next = offsets[origins.length];
      next !== undefined && next < until;
      next = offsets[origins.length]
    )
      origins.push(originOf(next));
  };
  for (const match of text.matchAll(escapesIn(text))) {
    if (origins.length === offsets.length) break;
    const behind = textAt - plainAt;
    const literal = match.index - behind;
    place(literal, (offset) => behind + offset);
    plainAt = literal + decode(match).length;
    place(plainAt, () => match.index);
    textAt = match.index + match[0].length;
  }
  const behind = textAt - plainAt;
  place(Infinity, (offset) => behind + offset);
  return origins;
}
