// Finds members of a JSON document by their names without parsing it: one pass over the bytes, without recursion and
// without copies. So a signature in the body can be checked before anything of a stranger is parsed, and it can be cut
// out afterwards while all other bytes stay as they came. Bytes that are not JSON give whatever looks like a member.

/** A member's value: the bytes from `from` to before `to`. */
export interface Member {
  name: string;
  from: number;
  to: number;
}

const QUOTE = 0x22;
const COLON = 0x3a;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** In bytes, with quotes: longer names are none that anybody looks for. */
const LONGEST_NAME = 100;

/**
 * The members with these names, in order: of the document itself and, if it is an array, of the objects in it, but not
 * of objects inside of those. It reads only as far as the caller asks for members.
 */
export function* membersOf(body: Uint8Array, names: ReadonlySet<string>): Generator<Member> {
  const decoder = new TextDecoder();
  let depth = 0;
  let inArray = false;
  for (let at = 0; at < body.length;) {
    const byte = body[at];
    if (byte === QUOTE) {
      const end = endOfString(body, at);
      const isNear = depth === (inArray ? 2 : 1) && end - at <= LONGEST_NAME;
      const colon = isNear ? afterSpace(body, end) : end;
      const isName = isNear && body[colon] === COLON;
      const name = isName ? readName(decoder.decode(body.subarray(at, end))) : null;
      at = end;
      if (name === null || !names.has(name)) continue;
      const from = afterSpace(body, colon + 1);
      at = endOfValue(body, from);
      yield { name, from, to: at };
      continue;
    }
    if (byte === OPEN_BRACKET || byte === OPEN_BRACE) {
      if (depth === 0) inArray = byte === OPEN_BRACKET;
      depth += 1;
    } else if (byte === CLOSE_BRACKET || byte === CLOSE_BRACE) depth -= 1;
    at += 1;
  }
}

/** The body with other values for some members: `replace` gives the JSON of a new value for that of the old one. */
export function replaceMembers(
  body: Uint8Array,
  replacements: ReadonlyMap<string, (json: string) => string>,
): Uint8Array {
  const [decoder, encoder] = [new TextDecoder(), new TextEncoder()];
  const names = new Set(replacements.keys());
  const parts: Uint8Array[] = [];
  let copied = 0;
  for (const { name, from, to } of membersOf(body, names)) {
    const old = decoder.decode(body.subarray(from, to));
    const value = replacements.get(name)?.(old) ?? old;
    parts.push(body.subarray(copied, from), encoder.encode(value));
    copied = to;
  }
  if (copied === 0) return body;
  parts.push(body.subarray(copied));
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function readName(quoted: string): string | null {
  if (!quoted.includes("\\")) return quoted.slice(1, -1);
  try {
    return String(JSON.parse(quoted));
  } catch {
    return null;
  }
}

/** The place behind the string that begins at `start`; the body's end if it is not closed. */
function endOfString(body: Uint8Array, start: number): number {
  for (let from = start + 1; ;) {
    const quote = body.indexOf(QUOTE, from);
    if (quote < 0) return body.length;
    let backslashes = 0;
    while (body[quote - 1 - backslashes] === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return quote + 1;
    from = quote + 1;
  }
}

function afterSpace(body: Uint8Array, start: number): number {
  let at = start;
  while (isSpace(body[at])) at += 1;
  return at;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** The place behind the value that begins at `start`: a string, a number or word, an object or array. */
function endOfValue(body: Uint8Array, start: number): number {
  let depth = 0;
  let at = start;
  for (; at < body.length; at++) {
    const byte = body[at];
    if (byte === QUOTE) {
      at = endOfString(body, at) - 1;
      if (depth === 0) return at + 1;
    } else if (byte === OPEN_BRACKET || byte === OPEN_BRACE) depth += 1;
    else if (byte === CLOSE_BRACKET || byte === CLOSE_BRACE) {
      depth -= 1;
      if (depth <= 0) return depth < 0 ? at : at + 1;
    } else if (depth === 0 && (byte === COMMA || isSpace(byte))) return at;
  }
  return at;
}
