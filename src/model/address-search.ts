// Finds an address in a text in every way it may be written there: in another case, percent-encoded, escaped for JSON
// (also JSON within JSON), XML or quoted-printable, composed or decomposed, or with "=" instead of "@" as in return paths.
// It does not match longer addresses that contain the address (joann@..., ...@example.com.au).

/**
 * Replaces an erased address. Its domain can never exist (RFC 2606), and it needs no escaping in JSON, forms and URLs.
 */
export const ERASED_ADDRESS = "erased@tidings.invalid";

const ESCAPE =
  /\\+u([0-9a-f]{4})|\\+([nrtbf])|((?:%(?:25)*[89a-f][0-9a-f])+|%(?:25)*[0-7][0-9a-f])|&#(?:(\d{1,7})|x([0-9a-f]{1,6}));/gi;

function decode(match: readonly (string | undefined)[]): string {
  const [, unit, letter, percent, decimal, hexadecimal] = match;
  if (unit !== undefined) return String.fromCharCode(parseInt(unit, 16));
  if (letter !== undefined) return " ";
  if (percent !== undefined) return decodePercent(percent);
  const code = decimal === undefined ? parseInt(hexadecimal ?? "0", 16) : Number(decimal);
  return code > 0x10ffff ? " " : String.fromCodePoint(code);
}

/** Percent-decodes (https://url.spec.whatwg.org/#percent-decode) a text that was encoded once or several times. */
function decodePercent(text: string): string {
  const last = parseInt(text.slice(-2), 16);
  if (last < 0x80) return String.fromCharCode(last); // one ASCII character, the most frequent case
  const pairs = text.replaceAll(/%(?:25)*(?=[0-9a-f]{2})/gi, "");
  const bytes = Uint8Array.from(pairs.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  return new TextDecoder().decode(bytes);
}

const simplify = (text: string): string => text.toLowerCase().normalize("NFC");

/** Whether the text contains the normalised address in any spelling. */
export function mentions(text: string, address: string): boolean {
  return positions(plainOf(text), simplify(address)).length > 0;
}

/**
 * The text without escapes, in lower case and composed, to search it for many addresses with {@link mentionsPlainly}.
 */
export function plainOf(text: string): string {
  const plain = text.replaceAll(ESCAPE, (...match: string[]) => decode(match.slice(0, 6)));
  return simplify(plain);
}

/** Like {@link mentions}, for a text that {@link plainOf} returned. */
export function mentionsPlainly(plain: string, address: string): boolean {
  return positions(plain, simplify(address)).length > 0;
}

/** The positions of the address in a plain text: start and end, in UTF-16 units. */
function positions(plain: string, address: string): [start: number, end: number][] {
  const at = address.lastIndexOf("@");
  const [local, domain] = [address.slice(0, at), address.slice(at + 1)];
  const places: [number, number][] = [];
  for (const [form, before] of [
    [address, /[\p{L}\p{M}\p{N}._+-]$/u],
    [`${local}=${domain}`, /[\p{L}\p{M}\p{N}._]$/u],
    [`${local}=40${domain}`, /[\p{L}\p{M}\p{N}._+-]$/u], // quoted-printable
    [`${local}&commat;${domain}`, /[\p{L}\p{M}\p{N}._+-]$/u], // HTML
  ] as const) {
    for (let from = plain.indexOf(form); from >= 0; from = plain.indexOf(form, from + 1)) {
      const end = from + form.length;
      if (before.test(plain.slice(Math.max(0, from - 2), from))) continue;
      if (!/^(?:[\p{L}\p{M}\p{N}_-]|\.[\p{L}\p{N}])/u.test(plain.slice(end, end + 3)))
        places.push([from, end]);
    }
  }
  return places;
}

/** The positions of the address in the text with its escapes: start and end in UTF-16 units, in order. */
export function placesOf(text: string, address: string): [start: number, end: number][] {
  let plain = "";
  const origins: number[] = []; // for each unit of `plain`, its position in `text`
  const add = (piece: string, at: (index: number) => number): void => {
    for (let i = 0; i < piece.length; i++) origins.push(at(i));
    // Letter by letter, so that positions stay the same. A letter whose length changes with its case keeps its case;
    // the caller has a last resort for texts in which the address is not found for that reason.
    plain += piece.replaceAll(/./gsu, (letter) => {
      const lower = letter.toLowerCase();
      return lower.length === letter.length ? lower : letter;
    });
  };
  let copied = 0;
  for (const match of text.matchAll(ESCAPE)) {
    const literal = copied;
    add(text.slice(copied, match.index), (i) => literal + i);
    add(decode(match), () => match.index);
    copied = match.index + match[0].length;
  }
  const literal = copied;
  add(text.slice(copied), (i) => literal + i);
  origins.push(text.length);
  const places: [number, number][] = [];
  for (const form of new Set([simplify(address), simplify(address).normalize("NFD")]))
    for (const [start, end] of positions(plain, form)) places.push([origins[start] ?? 0, origins[end] ?? 0]);
  return places.sort(([a], [b]) => a - b);
}

/**
 * All possible normalised addresses in the text, at most `most`. If it is unclear where one begins, it returns several.
 */
export function addressesIn(text: string, most: number): string[] {
  const addresses = new Set<string>();
  for (const [match] of plainOf(text).matchAll(CANDIDATE)) {
    // In a URL or a form, the characters before "=" or "/" rarely belong to the address, but they may.
    for (let from = 0; from >= 0; from = nextOf(match, from)) {
      if (addresses.size >= most) return [...addresses];
      addresses.add(match.slice(from).replace(/[.-]+$/, ""));
    }
  }
  return [...addresses];
}

const CANDIDATE = /[^\s<>()[\]{}",;:\\@]{1,256}@[\p{L}\p{M}\p{N}.-]{1,255}/gu;

/** The next index at which an address may begin in the text, or -1. */
function nextOf(text: string, from: number): number {
  const rest = text.slice(from).search(/['=/&?|`!*#$^~]/);
  return rest < 0 ? -1 : from + rest + 1;
}
