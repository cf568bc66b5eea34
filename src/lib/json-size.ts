// How much a JSON text holds, known before it is parsed. A text of 5 MB can hold 1.7 million empty objects, which take
// more than a hundred megabytes once they are parsed, and an isolate has 128 MB for all of its requests together.

/**
 * The most values of one JSON text: objects, arrays, and what stands in them. The densest real reports have one value
 * for about twenty bytes, so 5 MB of them stay below it.
 */
export const MOST_VALUES = 300_000;

const QUOTE = 0x22;
const COMMA = 0x2c;
const BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const BRACE = 0x7b;

/**
 * Whether the text holds more than {@link MOST_VALUES} values. It counts commas and opening brackets outside of
 * strings: one pass, and none at all if the text is too short to hold as many.
 */
export function holdsTooMany(text: string): boolean {
  if (text.length < 2 * MOST_VALUES) return false;
  let values = 1;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === COMMA || code === BRACKET || code === BRACE) values += 1;
  }
  return values > MOST_VALUES;
}

/** The place of the quote that ends the string which begins at `start`; the text's length if none does. */
export function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at;
    if (code === BACKSLASH) at += 1;
  }
  return text.length;
}
