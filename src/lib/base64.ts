// Base64 in all the forms in which people and providers write it: both alphabets, with or without padding.

/** Decodes base64, also in the URL alphabet and without padding. Null if the text is not base64. */
export function fromBase64(encoded: string): Uint8Array | null {
  try {
    const bytes = atob(encoded.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(bytes, (char) => char.charCodeAt(0));
  } catch {
    return null;
  }
}
