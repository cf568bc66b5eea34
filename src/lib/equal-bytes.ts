// Compares secrets in a time that reveals nothing about their bytes. It uses WebCrypto instead of node:crypto, because
// loading node:crypto takes a new isolate longer than everything else that a webhook's first answer needs.

/**
 * Whether both arrays hold the same bytes. The time depends only on their length. Throws a TypeError if the lengths
 * differ. https://developers.cloudflare.com/workers/runtime-apis/web-crypto/#timingsafeequal
 */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  // Only workerd has this function; tests and tools also run in Node.
  if (typeof crypto.subtle.timingSafeEqual === "function") return crypto.subtle.timingSafeEqual(a, b);
  return equalEverywhere(a, b);
}

/** The same without the platform's function: it reads every byte and never branches on a byte's value. */
export function equalEverywhere(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) throw new TypeError("the lengths differ");
  let different = 0;
  for (let i = 0; i < a.length; i++) different |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return different === 0;
}
