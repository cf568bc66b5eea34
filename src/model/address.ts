// One spelling per mailbox, because contacts, claims and suppressions are all keyed by it.

const LONGEST = 320; // RFC 3696 erratum 1690: 64 octets of local part, "@", 255 of domain

/**
 * The address that names a contact: bare, trimmed, lower case, Unicode in composed form.
 * Accepts `Name <address>`. Null where the text holds no usable address.
 */
export function normalizeAddress(text: string): string | null {
  const bracketed = text.lastIndexOf("<");
  const bare = bracketed >= 0 ? text.slice(bracketed + 1, closing(text, bracketed)) : text;
  const address = bare.trim().normalize("NFC").toLowerCase();
  const at = address.lastIndexOf("@");
  if (at < 1 || at === address.length - 1 || address.length > LONGEST) return null;
  return hasForbidden(address) ? null : address;
}

function closing(text: string, from: number): number {
  const end = text.indexOf(">", from);
  return end < 0 ? text.length : end;
}

// By code points, because a Unicode class costs several times as much, and this runs for every event.
// oxlint-disable-next-line no-control-regex
const FORBIDDEN = /[\s\x00-\x1f\x7f-\x9f<>]/;

/** White space inside, control characters and unpaired surrogates never belong to an address. */
function hasForbidden(address: string): boolean {
  return !address.isWellFormed() || FORBIDDEN.test(address);
}
