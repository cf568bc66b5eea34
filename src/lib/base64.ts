// Base64 as people and providers write it.

/** Bytes of base64, also in the URL alphabet and without padding; null for anything else. */
export function fromBase64(encoded: string): Uint8Array | null {
  try {
    const bytes = atob(encoded.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(bytes, (char) => char.charCodeAt(0));
  } catch {
    return null;
  }
}
