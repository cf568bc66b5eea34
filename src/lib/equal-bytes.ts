// Comparing secrets in a time that tells nothing of them. WebCrypto is asked and not node:crypto, because to load that takes a
// new isolate longer than it takes for everything else that a webhook's first answer needs.

/**
 * Whether both hold the same bytes, in a time that depends on their length alone. Throws a TypeError where one is longer than
 * the other. https://developers.cloudflare.com/workers/runtime-apis/web-crypto/#timingsafeequal
 */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  // The platform's own, which no other runtime has.
  if (typeof crypto.subtle.timingSafeEqual === "function") return crypto.subtle.timingSafeEqual(a, b);
  return equalEverywhere(a, b);
}

/** The same without the platform's help: every byte is looked at, and nothing branches on what it is. */
export function equalEverywhere(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) throw new TypeError("the lengths differ");
  let different = 0;
  for (let i = 0; i < a.length; i++) different |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return different === 0;
}
