// Normalises addresses to one spelling per mailbox, because that is the key of contacts, claims and suppressions. Whoever
// is suppressed under one spelling must not be mailed under another, and whoever is erased must be erased under all.

import { fail, ok, type Result } from "../lib/result.ts";
import { compose, hasLongRun } from "./compose.ts";
import { domainKey } from "./domain.ts";
import { withoutInvisible } from "./invisible.ts";
import { SEVERAL, unwrapped } from "./wrapped-address.ts";

const LONGEST = 320; // RFC 3696 erratum 1690: 64 octets of local part, "@", 255 of domain
/** The longest before it is composed: a letter may be written as up to four characters. */
const LONGEST_APART = 4 * LONGEST;
/** The longest with a display name and all that may stand around it. */
const LONGEST_WRAPPED = 8 * LONGEST;

/** The address of nearly everybody, which has nothing to normalise but its case. */
const USUAL =
  /^[a-z0-9.!#$%&+/=?^_{|}~-]{1,64}@(?!xn--)[a-z0-9_-]{1,63}(?:\.(?!xn--)[a-z0-9_-]{1,63}){1,8}$/i;

/** The normalised address, which identifies a contact; null if the text is not one address (see {@link readAddress}). */
export function normalizeAddress(text: string): string | null {
  const address = readAddress(text);
  return address.ok ? address.value : null;
}

/**
 * The normalised address, which identifies a contact: without anything around it (a display name, brackets, quotes,
 * `mailto:`) and without invisible characters; the local part in lower case and composed form (NFC), the domain in
 * punycode (see {@link domainKey}). The same address again gives the same text. Fails with a predicate for people if the
 * text names no address, several, or a whole domain.
 */
export function readAddress(text: string): Result<string> {
  if (USUAL.test(text)) return ok(text.toLowerCase());
  if (text.length > LONGEST_WRAPPED) return fail("is too long");
  const bare = unwrapped(text);
  if (!bare.ok) return bare;
  if (bare.value.length > LONGEST_APART || hasLongRun(bare.value)) return fail("is too long");
  return joined(bare.value);
}

function joined(bare: string): Result<string> {
  const at = bare.lastIndexOf("@");
  const local = unquoted(compose(compose(bare.slice(0, Math.max(0, at))).toLowerCase()));
  const domain = domainOf(bare.slice(at + 1));
  const problem = at < 0 ? "is not an address" : problemOf(local, domain);
  if (problem !== null) return fail(problem);
  const address = `${local}@${domain}`;
  return address.length > LONGEST ? fail("is too long") : ok(address);
}

/** The domain's key. An address literal such as `[192.0.2.1]` only loses its capitals. */
function domainOf(domain: string): string {
  return domain.startsWith("[") ? withoutInvisible(domain).toLowerCase() : domainKey(domain);
}

/** A quoted local part whose quotes are not needed: RFC 5321 section 4.1.2 takes both for the same. */
const NEEDLESSLY_QUOTED = /^"([^\s"\\@,:;<>()[\].]+(?:\.[^\s"\\@,:;<>()[\].]+)*)"$/;

const unquoted = (local: string): string => NEEDLESSLY_QUOTED.exec(local)?.[1] ?? local;

// Ranges of code points, because a Unicode class takes several times as long.
// oxlint-disable-next-line no-control-regex
const FORBIDDEN = /[\s\x00-\x1f\x7f-\x9f<>]/;

function problemOf(local: string, domain: string): string | null {
  if (local === "*" || domain.includes("*") || (local === "" && domain !== ""))
    return "names a whole domain and not one address";
  const isQuoted = local.startsWith('"') && local.endsWith('"');
  if ((!isQuoted && local.includes("@")) || /[,;]/.test(domain)) return SEVERAL;
  if (local === "" || domain === "") return "is not an address";
  // No address has white space, control characters or unpaired surrogates.
  const text = local + domain;
  return FORBIDDEN.test(text) || !text.isWellFormed() ? "is not an address" : null;
}
