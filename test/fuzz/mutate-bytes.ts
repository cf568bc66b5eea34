// Mutations that ignore the meaning of the bytes.

import type { Random } from "../../src/demo/traffic/random.ts";

/**
 * Bytes that break parsers: NUL, byte order marks, invalid UTF-8, overlong and surrogate encodings, quotes, gzip,
 * controls.
 */
const NASTY: readonly [string, ...string[]] = [
  "\x00",
  "\xef\xbb\xbf",
  "\xff\xfe",
  "\xfe\xff",
  "\xff",
  "\xc0\x80",
  "\xed\xa0\x80",
  "\xf4\x90\x80\x80",
  "\xe2\x80\xa8",
  '"',
  "\\",
  "\\u",
  "\\ud800",
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  "\r\n",
  "\r\n\r\n",
  "\n",
  "<",
  ">",
  "&",
  "%",
  "%00",
  "%zz",
  "+",
  "=",
  ";",
  "\x1f\x8b\x08\x00",
  "\x7f",
  "\x1b[31m",
  "9".repeat(40),
  "1e999",
  "-0",
  "a".repeat(5000),
  "null",
];

/** The bytes with one to four changes. */
export function mutateBytes(bytes: Buffer, random: Random): Buffer {
  let changed = bytes;
  for (let left = random.between(1, 4); left > 0; left -= 1) changed = changeOnce(changed, random);
  return changed;
}

function changeOnce(bytes: Buffer, random: Random): Buffer {
  const from = random.between(0, bytes.length);
  const to = Math.min(bytes.length, from + random.between(1, random.chance(0.8) ? 8 : 2000));
  const [before, middle, after] = [bytes.subarray(0, from), bytes.subarray(from, to), bytes.subarray(to)];
  const put = Buffer.from(random.pick(NASTY), "latin1");
  switch (random.between(0, 7)) {
    case 0:
      return Buffer.concat([before, put, bytes.subarray(from)]);
    case 1:
      return Buffer.concat([before, put, after]);
    case 2:
      return Buffer.concat([before, after]);
    case 3:
      return Buffer.concat([before, middle, middle, after]);
    case 4:
      return before; // cut off
    case 5:
      return Buffer.concat([before, middle.toReversed(), after]);
    case 6:
      return Buffer.concat([before, randomBytes(random, random.between(1, 16)), bytes.subarray(from)]);
    default:
      return Buffer.concat([before, middle.map((byte) => byte ^ (1 << random.between(0, 7))), after]);
  }
}

/** Random bytes of this length. */
export function randomBytes(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.between(0, 255)));
}
