// Normalises addresses to one spelling per mailbox, because that is the key of contacts, claims and suppressions.

import { compose, hasLongRun } from "./compose.ts";

const LONGEST = 320; // RFC 3696 erratum 1690: 64 octets of local part, "@", 255 of domain
/** The longest before it is composed: a letter may be written as up to four characters. */
const LONGEST_APART = 4 * LONGEST;

/**
 * The normalised address, which identifies a contact: without a display name, trimmed, in lower case, with Unicode in
 * composed form (NFC). Accepts `Name <address>`. Null if the text contains no usable address.
 */
export function normalizeAddress(text: string): string | null {
  const bracketed = text.lastIndexOf("<");
  const bare = bracketed >= 0 ? text.slice(bracketed + 1, closing(text, bracketed)) : text;
  const trimmed = bare.trim();
  if (trimmed.length > LONGEST_APART || hasLongRun(trimmed)) return null;
  const address = compose(trimmed).toLowerCase();
  const at = address.lastIndexOf("@");
  if (at < 1 || at === address.length - 1 || address.length > LONGEST) return null;
  return hasForbidden(address) ? null : address;
}

function closing(text: string, from: number): number {
  const end = text.indexOf(">", from);
  return end < 0 ? text.length : end;
}

// Ranges of code points, because a Unicode class takes several times as long, and this runs for every event.
// oxlint-disable-next-line no-control-regex
const FORBIDDEN = /[\s\x00-\x1f\x7f-\x9f<>]/;

/** Whether the text contains white space, control characters or unpaired surrogates: no address does. */
function hasForbidden(address: string): boolean {
  return !address.isWellFormed() || FORBIDDEN.test(address);
}
