// SHA-256 at once, in JavaScript: WebCrypto only promises, and node:crypto costs a new isolate half as much as all else that
// it does before its first answer. For texts as short as ids are made of, it is as fast as that, too.

import { sha256 as digest } from "@noble/hashes/sha2.js";

const encoder = new TextEncoder();

/** SHA-256 (FIPS 180-4) of a text's UTF-8: 32 bytes. */
export function sha256(text: string): Uint8Array {
  return digest(encoder.encode(text));
}

/** The same, as 64 lower-case hexadecimal digits. */
export function sha256Hex(text: string): string {
  return Array.from(sha256(text), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
