// Whole domains as people name them: `@example.com`, or `*@example.com` as in other systems. A suppression of a domain is
// kept like that of an address, under the key `@example.com`, which no address has.

import { fail, ok, type Result } from "../lib/result.ts";
import { readAddress } from "./address.ts";
import { destinationOf } from "./destination.ts";
import { domainKey } from "./domain.ts";

const LONGEST = 253; // RFC 1035 section 2.3.4, without the root's empty label
const DOMAIN = /^(?:[a-z0-9_-]{1,63}\.)+[a-z0-9_-]{2,63}$/;

/**
 * The key of a whole domain: "@" and the domain in punycode. Null if the text does not name a whole domain, but perhaps
 * an address: nothing may stand before the sign, because an address that has lost its local part must not stop the mail
 * to everybody. Fails with a predicate for people if it names one that cannot exist, or several.
 */
export function readWholeDomain(text: string): Result<string> | null {
  if (!/^\*?@/.test(text)) return null;
  const name = text.slice(text.indexOf("@") + 1);
  if (name.includes("*")) return fail("names several domains; name each of them, as @example.com");
  const domain = name.length > LONGEST * 4 ? "" : domainKey(name);
  if (domain.length > LONGEST || !DOMAIN.test(domain))
    return fail("is not a domain; write it as @example.com");
  return ok(`@${domain}`);
}

/** The key of the whole domain that a normalised address belongs to. */
export function wholeDomainOf(address: string): string {
  return address.slice(address.lastIndexOf("@"));
}

/** Whether a key is a whole domain's. */
export function isWholeDomain(key: string): boolean {
  return key.startsWith("@");
}

/** The mailbox provider whose customers share the domain with this key, such as "gmail"; null if none is known. */
export function sharedBy(key: string): string | null {
  const destination = destinationOf(key);
  return destination === "other" ? null : destination;
}

/**
 * The key of an address or a whole domain in a list of suppressions. Fails with a predicate for people, also if it is
 * the domain of a mailbox provider, because a list must not stop the mail to all its customers by a slip.
 */
export function readListed(text: string): Result<string> {
  const domain = readWholeDomain(text);
  if (domain === null || !domain.ok) return domain ?? readAddress(text);
  const shared = sharedBy(domain.value);
  return shared === null
    ? domain
    : fail(`is a domain of ${shared}, which has many customers; suppress it by hand with "force"`);
}
