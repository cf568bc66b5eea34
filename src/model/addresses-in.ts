// Finds all addresses that a text may name, when only their hashes are known and none of them can be searched for. It
// goes from "@" to "@", so that each character is looked at once or twice.

import { plainOf, withDots } from "./address-search.ts";
import { domainKey } from "./domain.ts";

/** The longest local part and domain that are looked for, in UTF-16 units. */
const LONGEST = 256;

/** Characters that end an address on its left. */
const STOPS: ReadonlySet<string> = new Set('<>()[]{}",;:\\@');
const BLANK = /\s/;
/** What a domain consists of, also with full stops behind it (see plainOf). */
const DOMAIN = /[\p{L}\p{M}\p{N}.\u2024-]{1,255}/uy;
/** Characters that rarely belong to an address, but may: in a URL or a form, one may begin behind each of them. */
const SEPARATORS = /['=/&?|`!*#$^~]+/g;
/** How many of these, the last ones before the "@", are taken for a beginning: no address holds as many. */
const MOST_SEPARATORS = 16;
/** A line of a reply that is not its last ("550-ann@..."): RFC 5321 section 4.2.1. */
const REPLY_LINE = /^[245]\d\d-(?=.)/s;

/**
 * All possible normalised addresses in the text, some of them more than once. If it is unclear where one begins or
 * ends, it gives several.
 */
export function* addressesIn(text: string): Generator<string> {
  const plain = plainOf(text);
  for (let at = plain.indexOf("@"); at >= 0; at = plain.indexOf("@", at + 1)) {
    const local = withDots(localBefore(plain, endOfLocal(plain, at)));
    DOMAIN.lastIndex = at + 1;
    const domain = DOMAIN.exec(plain)?.[0] ?? "";
    if (local === "" || domain === "") continue;
    const ends = new Set(endsOf(domain).map(domainKey));
    for (const begun of beginningsOf(local)) for (const ended of ends) yield `${begun}@${ended}`;
  }
}

/** The end of the local part: before the quote, if it is quoted, which JSON escapes. */
function endOfLocal(plain: string, at: number): number {
  if (plain[at - 1] !== '"') return at;
  return plain[at - 2] === "\\" ? at - 2 : at - 1;
}

function localBefore(plain: string, at: number): string {
  const least = Math.max(0, at - LONGEST);
  let from = at;
  while (from > least && !STOPS.has(plain[from - 1] ?? "") && !BLANK.test(plain[from - 1] ?? "")) from -= 1;
  return plain.slice(from, at);
}

function beginningsOf(local: string): string[] {
  const starts = Array.from(local.matchAll(SEPARATORS), ({ 0: found, index }) => index + found.length);
  const rests = [0, ...starts.slice(-MOST_SEPARATORS)].map((start) => local.slice(start));
  return rests.flatMap((rest) => {
    const behindCode = rest.replace(REPLY_LINE, "");
    return rest === "" ? [] : behindCode === rest ? [rest] : [rest, behindCode];
  });
}

/** The domain up to the first full stop between sentences, and as a whole. */
function endsOf(domain: string): string[] {
  const whole = withoutDots(withDots(domain));
  const first = withoutDots(domain.split("\u2024", 1)[0] ?? "");
  return [whole, ...(first === whole ? [] : [first])].filter((ended) => ended !== "");
}

/** The domain without the dots and hyphens at its end, which belong to the sentence. */
function withoutDots(domain: string): string {
  let end = domain.length;
  while (end > 0 && (domain[end - 1] === "." || domain[end - 1] === "-")) end -= 1;
  return domain.slice(0, end);
}
