// The two ways in which texts write a domain: its key, which is in punycode, and the form with the letters of its
// language. Texts about a person use either, whatever the person's provider uses.

import punycode from "punycode.js";

/** The labels of a domain in punycode (RFC 5890 section 2.3.2.1). A label has at most 63 characters. */
const ENCODED = /(?<![\p{L}\p{N}-])xn--[a-z0-9-]{1,59}(?![\p{L}\p{N}-])/giu;

/** The domain with the letters of its language; labels that are not valid punycode stay as they are. */
function unicodeDomain(domain: string): string {
  return domain.replaceAll(ENCODED, (label) => {
    try {
      return punycode.toUnicode(label.toLowerCase());
    } catch {
      return label;
    }
  });
}

/** The address with its domain in the letters of its language, as people write it. */
export function unicodeAddress(address: string): string {
  const at = address.lastIndexOf("@") + 1;
  return address.slice(0, at) + unicodeDomain(address.slice(at));
}
