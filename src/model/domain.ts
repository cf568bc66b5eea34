// The one spelling of a domain. A domain with other letters than ASCII has at least two spellings, Unicode and punycode,
// and mail systems report either of them. The key is the punycode form, because that is what the DNS knows.
//
// The URL parser of the platform applies UTS #46 (https://url.spec.whatwg.org/#concept-domain-to-ascii), in time that is
// proportional to the length, and is the same in Node and in workerd.

import { compose } from "./compose.ts";
import { withoutJoiners } from "./invisible.ts";

/** Letters, digits, dots, hyphens and underscores, and all that is not ASCII: nothing else means anything to a URL. */
const PLAIN = /^[-.\w\u0080-\u{10ffff}]+$/u;
/** Domains that may have another spelling. */
const INTERNATIONAL = /[^\0-\x7f]|(?:^|\.)xn--/i;

/**
 * The key of a domain: in lower case, in punycode, without dots at its end. A domain that UTS #46 refuses stays as it
 * is, in lower case, because a provider reported it and its event must not get lost.
 */
export function domainKey(domain: string): string {
  if (!INTERNATIONAL.test(domain)) return withoutEndDots(domain.toLowerCase());
  const mapped = toAscii(domain) ?? toAscii(withoutJoiners(domain));
  return withoutEndDots(mapped ?? compose(compose(withoutJoiners(domain)).toLowerCase()));
}

function toAscii(domain: string): string | null {
  if (!PLAIN.test(domain)) return null;
  // With a label behind it, no domain looks like an IPv4 address, which the parser would rewrite.
  const url = `http://${domain}.x`;
  return URL.canParse(url) ? new URL(url).hostname.slice(0, -2) : null;
}

function withoutEndDots(domain: string): string {
  let end = domain.length;
  while (domain[end - 1] === ".") end -= 1;
  return domain.slice(0, end);
}
