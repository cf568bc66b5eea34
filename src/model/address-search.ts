// Finding an address in text however it is written there: in other case, percent-encoded, escaped for JSON (also JSON
// within JSON) or XML, composed or decomposed, or with "=" for its "@" as return paths have it. Other addresses that
// merely contain it (joann@..., ...@example.com.au) are not it.

/** Stands where an address was: of a domain that nobody can ever have (RFC 2606), harmless in JSON, forms and URLs. */
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

/** By https://url.spec.whatwg.org/#percent-decode, after what was encoded repeatedly was encoded once. */
function decodePercent(text: string): string {
  const last = parseInt(text.slice(-2), 16);
  if (last < 0x80) return String.fromCharCode(last); // a byte of its own, as most are
  const pairs = text.replaceAll(/%(?:25)*(?=[0-9a-f]{2})/gi, "");
  const bytes = Uint8Array.from(pairs.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  return new TextDecoder().decode(bytes);
}

const simplify = (text: string): string => text.toLowerCase().normalize("NFC");

/** Whether the text holds the normalised address in any spelling. */
export function mentions(text: string, address: string): boolean {
  return positions(plainOf(text), simplify(address)).length > 0;
}

/** The text without any escapes, in one case and composition, for {@link mentionsPlainly} to look for many addresses. */
export function plainOf(text: string): string {
  const plain = text.replaceAll(ESCAPE, (...match: string[]) => decode(match.slice(0, 6)));
  return simplify(plain);
}

/** {@link mentions} for a text that went through {@link plainOf}. */
export function mentionsPlainly(plain: string, address: string): boolean {
  return positions(plain, simplify(address)).length > 0;
}

/** Where it stands in a plain text, start and end. */
function positions(plain: string, address: string): [start: number, end: number][] {
  const at = address.lastIndexOf("@");
  const asReturnPath = `${address.slice(0, at)}=${address.slice(at + 1)}`;
  const found: [number, number][] = [];
  for (const [form, before] of [
    [address, /[\p{L}\p{M}\p{N}._+-]$/u],
    [asReturnPath, /[\p{L}\p{M}\p{N}._]$/u],
  ] as const) {
    for (let from = plain.indexOf(form); from >= 0; from = plain.indexOf(form, from + 1)) {
      const end = from + form.length;
      if (before.test(plain.slice(Math.max(0, from - 2), from))) continue;
      if (!/^(?:[\p{L}\p{M}\p{N}_-]|\.[\p{L}\p{N}])/u.test(plain.slice(end, end + 3)))
        found.push([from, end]);
    }
  }
  return found;
}

/** Where the address stands in the text as it is written, start and end, in order. */
export function placesOf(text: string, address: string): [start: number, end: number][] {
  let plain = "";
  const origins: number[] = []; // of each unit of `plain`
  const add = (piece: string, at: (index: number) => number): void => {
    for (let i = 0; i < piece.length; i++) origins.push(at(i));
    // Letter by letter, so that no place moves; what changes its length with its case is left to the last resort.
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

/** What may be a normalised address in the text, at most so many; more than there are, where it is not clear. */
export function addressesIn(text: string, most: number): string[] {
  const found = new Set<string>();
  for (const [match] of plainOf(text).matchAll(CANDIDATE)) {
    // In a URL or a form, what stands before "=" or "/" is seldom of the address; but it may be.
    for (let from = 0; from >= 0; from = nextOf(match, from)) {
      if (found.size >= most) return [...found];
      found.add(match.slice(from).replace(/[.-]+$/, ""));
    }
  }
  return [...found];
}

const CANDIDATE = /[^\s<>()[\]{}",;:\\@]{1,256}@[\p{L}\p{M}\p{N}.-]{1,255}/gu;

/** Where the text may begin instead; -1 where nowhere. */
function nextOf(text: string, from: number): number {
  const rest = text.slice(from).search(/['=/&?|`!*#$^~]/);
  return rest < 0 ? -1 : from + rest + 1;
}
