// Takes an address out of what people and systems put around it: a display name, angle brackets, quotes, `mailto:`.

import { fail, ok, type Result } from "../lib/result.ts";
import { withJoinersOnly, withoutInvisible } from "./invisible.ts";

/** How deep wrappers may be nested. Real ones are nested twice at most. */
const DEEPEST = 6;

/** `rfc822;` is the address type of delivery reports (RFC 3464 section 2.1.2); Exchange writes `SMTP:`. */
const PREFIX = /^(?:(mailto)|smtp|rfc822)[ \t]*[:;]/i;
/** Quotes that may stand around a whole address, each with the one that closes it. */
const QUOTES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ["'", "'"],
  ["`", "`"],
  ["\u201c", "\u201d"],
  ["\u201e", "\u201c"],
  ["\u2018", "\u2019"],
  ["\u00ab", "\u00bb"],
]);

/** What is wrong with a list of addresses. */
export const SEVERAL = "names several addresses";

/**
 * The address itself, trimmed, without invisible characters. Fails with a predicate if the text names several, or wraps
 * one too often.
 */
export function unwrapped(text: string): Result<string> {
  let left = visible(text);
  for (let depth = 0; depth <= DEEPEST; depth++) {
    const inner = withoutWrapper(left);
    if (!inner.ok || inner.value === left) return inner;
    left = inner.value;
  }
  return fail("is wrapped too often");
}

/** Joiners stay in the domain, which may need them. The two wide forms of "@" are the same to a reader. */
function visible(text: string): string {
  const plain = text.replaceAll(/[\uff20\ufe6b]/g, "@");
  const at = plain.lastIndexOf("@") + 1;
  return (withoutInvisible(plain.slice(0, at)) + withJoinersOnly(plain.slice(at))).trim();
}

/** The text without its outermost wrapper; the same text if it has none. */
function withoutWrapper(text: string): Result<string> {
  const prefix = PREFIX.exec(text);
  if (prefix !== null) {
    const rest = text.slice(prefix[0].length).trim();
    return ok(prefix[1] === undefined ? rest : ofMailto(rest));
  }
  const bracket = text.lastIndexOf("<");
  if (bracket >= 0) return inBrackets(text, bracket);
  const end = text.at(-1);
  if (end === "," || end === ";") return ok(text.slice(0, -1).trim());
  const isQuoted = text.length > 2 && QUOTES.get(text.charAt(0)) === end;
  return ok(isQuoted ? text.slice(1, -1).trim() : text);
}

/** The address of a mailto link (RFC 6068), which may have header fields and is percent-encoded. */
function ofMailto(rest: string): string {
  const [address = ""] = rest.split("?", 1);
  try {
    return visible(decodeURIComponent(address));
  } catch {
    return address.trim();
  }
}

/** `Name <address>`: the last brackets hold the address. */
function inBrackets(text: string, bracket: number): Result<string> {
  const closing = text.indexOf(">", bracket);
  const end = closing < 0 ? text.length : closing;
  const name = withoutQuoted(text.slice(0, bracket));
  const isList = (name.includes("@") && /[<,;]/.test(name)) || text.includes("@", end);
  return isList ? fail(SEVERAL) : ok(text.slice(bracket + 1, end).trim());
}

/** A display name without its quoted parts, in which anything may stand. */
function withoutQuoted(name: string): string {
  return name
    .split('"')
    .filter((_, place) => place % 2 === 0)
    .join("");
}
