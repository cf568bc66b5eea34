// The base-32 alphabet of all ids. Its characters sort in the order of their values, so an id that begins with a number
// sorts by that number.

/**
 * The 32 digits in order of their values: Crockford's alphabet (https://www.crockford.com/base32.html), in lower case.
 */
export const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

/** Encodes a non-negative safe integer in `width` characters, most significant digit first. */
export function encodeInteger(value: number, width: number): string {
  let text = "";
  for (let rest = Math.max(0, Math.floor(value)); text.length < width; rest = Math.floor(rest / 32)) {
    text = ALPHABET.charAt(rest % 32) + text;
  }
  return text;
}

/** Decodes a text that {@link encodeInteger} made. Characters outside the alphabet count as 0. */
export function decodeInteger(text: string): number {
  let value = 0;
  for (const letter of text) value = value * 32 + Math.max(0, ALPHABET.indexOf(letter));
  return value;
}

/** Encodes the first `width` * 5 bits of `bytes` in `width` characters. Missing bits are 0. */
export function encodeBytes(bytes: Uint8Array, width: number): string {
  let text = "";
  let buffer = 0;
  let bits = 0;
  for (let next = 0; text.length < width; bits -= 5) {
    if (bits < 5) {
      buffer = ((buffer << 8) | (bytes[next++] ?? 0)) & 0xfff;
      bits += 8;
    }
    text += ALPHABET.charAt((buffer >> (bits - 5)) & 31);
  }
  return text;
}
