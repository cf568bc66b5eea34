// Finds an address in a text in every way it may be written there: in another case, with its domain in punycode or in the
// letters of its language, with invisible characters, percent-encoded, escaped for JSON (also JSON within JSON), XML or
// quoted-printable, composed or decomposed, or with "=" instead of "@" as in return paths. It does not match longer addresses that contain the address (joann@..., ...@example.com.au).

import { memoize } from "../lib/memoize.ts";
import { compose } from "./compose.ts";
import { unicodeAddress } from "./domain-spellings.ts";
import { originsOf, unescaped } from "./escapes.ts";

/**
 * Replaces an erased address. Its domain can never exist (RFC 2606), and it needs no escaping in JSON, forms and URLs.
 */
export const ERASED_ADDRESS = "erased@tidings.invalid";

/**
 * Stands for a full stop between two sentences without a space ("<address>.User unknown"), which a plain text could not
 * tell from the dot of a longer domain, because it has no capitals any more. ONE DOT LEADER.
 */
const FULL_STOP = "\u2024";

/** A dot between a small letter and a word with a capital: people write domains in one case. */
const SENTENCES = /\.(?<=[\p{Ll}\p{N}]\.)(?=\p{Lu}\p{Ll})/gu;

const simplify = (text: string): string => compose(text.toLowerCase());

/** What other scripts write for "@" and "." (https://www.unicode.org/reports/tr46/#Notation): each is one unit long. */
const withAscii = (text: string): string =>
  text.replaceAll(/[\uff20\ufe6b]/g, "@").replaceAll(/[\uff0e\u3002\uff61]/g, ".");

/** The text without escapes and with its sentences told apart, in its own case. */
const readable = (text: string): string => withAscii(unescaped(text)).replaceAll(SENTENCES, FULL_STOP);

/** The spellings of an address in simplified texts. */
const spellingsOf = memoize((address) => [
  ...new Set([address, unicodeAddress(address)].map((spelling) => simplify(withAscii(spelling)))),
]);

/** Whether the text contains the normalised address in any spelling. */
export function mentions(text: string, address: string): boolean {
  return mentionsPlainly(plainOf(text), address);
}

/**
 * The text without escapes, in lower case and composed, to search it for many addresses with {@link mentionsPlainly}.
 * Full stops between sentences that no space separates are U+2024.
 */
export function plainOf(text: string): string {
  return simplify(readable(text));
}

/** Like {@link mentions}, for a text that {@link plainOf} returned. */
export function mentionsPlainly(plain: string, address: string): boolean {
  return spellingsOf(address).some((spelling) => positions(plain, spelling).length > 0);
}

/** A plain text, or a part of one, with dots for what looked like full stops between sentences. */
export const withDots = (plain: string): string => plain.replaceAll(FULL_STOP, ".");

type Place = [start: number, end: number];

/** The positions of the address in a plain text: start and end, in UTF-16 units, in order. */
function positions(plain: string, address: string): Place[] {
  const found = positionsOf(plain, address);
  // A domain may be written with a capital all the same (ann@example.co.Uk).
  if (!plain.includes(FULL_STOP) || !address.includes(".")) return found;
  return inOrder([...found, ...positionsOf(withDots(plain), address)]);
}

const BEFORE = /[\p{L}\p{M}\p{N}.\u2024_+-]$/u;
const BEFORE_PATH = /[\p{L}\p{M}\p{N}.\u2024_]$/u;
/** A line of a reply that is not its last ("550-ann@..."): RFC 5321 section 4.2.1. */
const REPLY_LINE = /(?:^|[^\p{L}\p{M}\p{N}.\u2024_+-])[245]\d\d-$/u;
/** What continues a domain. It has no underscore (RFC 1123 section 2.1). */
const AFTER = /^(?:[\p{L}\p{M}\p{N}-]|\.[\p{L}\p{N}])/u;

function positionsOf(plain: string, address: string): Place[] {
  const at = address.lastIndexOf("@");
  const [local, domain] = [address.slice(0, at), address.slice(at + 1)];
  const places: Place[] = [];
  for (const [form, before] of [
    [address, BEFORE],
    [`${local}=${domain}`, BEFORE_PATH],
    [`${local}=40${domain}`, BEFORE], // quoted-printable
    [`${local}&commat;${domain}`, BEFORE], // HTML
    [`${local}"@${domain}`, BEFORE], // a quoted local part
    [`${local}\\"@${domain}`, BEFORE], // the same in JSON
  ] as const) {
    for (let from = plain.indexOf(form); from >= 0; from = plain.indexOf(form, from + 1)) {
      const end = from + form.length;
      if (AFTER.test(plain.slice(end, end + 3))) continue;
      const isInner = before.test(plain.slice(Math.max(0, from - 2), from));
      if (!isInner || REPLY_LINE.test(plain.slice(Math.max(0, from - 6), from))) places.push([from, end]);
    }
  }
  return places;
}

/** The places sorted by their start, each once. */
function inOrder(places: readonly Place[]): Place[] {
  const sorted = places.toSorted(([a], [b]) => a - b);
  return sorted.filter(([start], i) => start !== sorted[i - 1]?.[0]);
}

/** The positions of the address in the text with its escapes: start and end in UTF-16 units, in order. */
export function placesOf(text: string, address: string): Place[] {
  const plain = inLowerCase(readable(text));
  const spellings = spellingsOf(address).flatMap((spelling) => [spelling, spelling.normalize("NFD")]);
  const places = inOrder([...new Set(spellings)].flatMap((spelling) => positions(plain, spelling)));
  const starts = originsOf(
    text,
    places.map(([start]) => start),
  );
  const ends = originsOf(
    text,
    places.map(([, end]) => end),
  );
  return starts.map((start, i): Place => [start, ends[i] ?? text.length]);
}

/**
 * The text in lower case, with all letters in their places. The one letter that becomes longer stays as it is; the
 * caller has a last resort for texts in which the address is not found for that reason.
 */
function inLowerCase(text: string): string {
  const lower = text.toLowerCase();
  if (lower.length === text.length) return lower;
  const kept = "\u0130";
  return text
    .split(kept)
    .map((part) => part.toLowerCase())
    .join(kept);
}
