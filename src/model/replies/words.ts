// Cuts a reply into the words that the rules know, and into its enhanced codes. What differs from mail to mail
// (addresses, IPs, numbers, line breaks) is dropped here, so no rule has to expect it. One pass, linear.

import { LONGEST } from "../field-lengths.ts";
import { meaningOf, OWNERS, YOURS } from "./vocabulary.ts";

/** Stands for a mail address in the words of a reply. */
export const ADDRESS = "@";

/** A reply's words by their meaning (vocabulary.ts), in order, and the enhanced codes that it contains. */
export interface Words {
  words: string[];
  enhanced: string[];
}

// What a character is: part of a word, of a number, a word of its own (scripts without spaces), nothing at all, the end
// of a word, or the end of an address too.
const LETTER = 0;
const DIGIT = 1;
const SIGN = 2;
const NOTHING = 3;
const GAP = 4;
const END = 5;

const AT = 64;
const DOT = 46;
const ASCII = Uint8Array.from({ length: 128 }, (_, code) => kindOfAscii(String.fromCharCode(code)));

function kindOfAscii(char: string): number {
  if (/[a-z]/.test(char)) return LETTER;
  if (/\d/.test(char)) return DIGIT;
  if (/['`]/.test(char)) return NOTHING;
  return /[\s<>()[\]{},;:"|]/.test(char) ? END : GAP;
}

/** Letters with marks are taken apart before, so Latin needs no more; U+FFFD stands for a lost letter. */
function kindOf(code: number): number {
  if (code < 128) return ASCII[code] ?? GAP;
  if (code === 0x2019 || code === 0x2018 || code === 0xfffd || code === 0x200b) return NOTHING;
  if (code >= 0x00c0 && code < 0x1200) return LETTER;
  return (code >= 0x3040 && code < 0xa000) || (code >= 0xac00 && code < 0xd7a4) ? SIGN : END;
}

/** The words and enhanced codes of a reply's text, of which the first 1024 characters count. */
export function wordsOf(text: string): Words {
  const plain = withoutAddresses(plainOf(text));
  const found: Found = { words: [], enhanced: [], isYours: false };
  let [start, isNumber] = [-1, true];
  for (let at = 0; at <= plain.length; at++) {
    const code = at < plain.length ? plain.charCodeAt(at) : 32;
    const kind = kindOf(code);
    if (kind === NOTHING) continue;
    if (kind === LETTER || kind === DIGIT) {
      if (start < 0) [start, isNumber] = [at, true];
      if (kind === LETTER) isNumber = false;
      continue;
    }
    if (code === DOT && start >= 0 && isNumber && kindOf(plain.charCodeAt(at + 1)) === DIGIT) continue;
    if (start >= 0) addWord(found, plain.slice(start, at), isNumber);
    start = -1;
    if (kind === SIGN) found.words.push(plain.charAt(at));
    if (code === AT && found.words.at(-1) !== ADDRESS) found.words.push(ADDRESS);
  }
  return found;
}

/** The words so far, and whether the one before was "your". */
interface Found extends Words {
  isYours: boolean;
}

/** The text with "@" alone in the place of each address. */
function withoutAddresses(plain: string): string {
  let result = "";
  let rest = 0;
  for (let sign = plain.indexOf(ADDRESS); sign >= 0; sign = plain.indexOf(ADDRESS, rest)) {
    let [first, last] = [sign, sign + 1];
    while (first > rest && kindOf(plain.charCodeAt(first - 1)) !== END) first--;
    while (last < plain.length && kindOf(plain.charCodeAt(last)) !== END) last++;
    result += `${plain.slice(rest, first)} ${ADDRESS} `;
    rest = last;
  }
  return result + plain.slice(rest);
}

/** Lower case, without accents; the Japanese and Korean signs stay whole. */
function plainOf(text: string): string {
  const lower = text.slice(0, LONGEST.words).toLowerCase();
  if (!/[\u0080-\uffff]/.test(lower)) return lower;
  return lower.normalize("NFKD").replaceAll(/\p{M}/gu, "").normalize("NFC").replaceAll("ß", "ss");
}

/** What may stand within or around a word without being part of it. */
const IN_WORDS = /['`\u2018\u2019\u200b\ufffd]/;
const ALL_IN_WORDS = new RegExp(IN_WORDS, "g");
const REPLY_CODE = /^[45]\d\d$/;
const ENHANCED = /^[45]\.\d{1,3}\.\d{1,3}$/;

function addWord(found: Found, raw: string, isNumber: boolean): void {
  const { words, enhanced } = found;
  if (isNumber) {
    if (ENHANCED.test(raw)) enhanced.push(raw);
    // "<ann@example.com>: 550 Rejected": the address stands before the reply, so it is not what was rejected.
    else if (REPLY_CODE.test(raw) && words.at(-1) === ADDRESS) words.pop();
    return;
  }
  const bare = IN_WORDS.test(raw) ? raw.replaceAll(ALL_IN_WORDS, "") : raw;
  if (bare === "your") {
    found.isYours = true;
    return;
  }
  const word = meaningOf(bare);
  if (word === "") return;
  if (found.isYours && word === "domain") words.push("sender");
  pushWord(words, found.isYours && YOURS.has(bare) ? "sender" : word);
  if (word !== "mail") found.isYours = false; // "your e-mail account"
}

/**
 * Adds a word to others. "IP address", "sender's account": whose it is has been said. "E-mail address", "user account":
 * one thing.
 */
export function pushWord(words: string[], word: string): void {
  const before = words.at(-1);
  if (word === "who" && before !== undefined) {
    if (before === "who" || OWNERS.has(before)) return;
    if (before === "mail") {
      words.pop();
      pushWord(words, word);
      return;
    }
  }
  words.push(word);
}
