// Synchronous SHA-256 in JavaScript. WebCrypto is asynchronous only, and loading node:crypto costs a new isolate half
// as much as everything else that it does before its first answer. For the short texts that ids are made of, it is as
// fast as node:crypto.

import { sha256 as digest } from "@noble/hashes/sha2.js";

const encoder = new TextEncoder();

/** The SHA-256 digest (FIPS 180-4) of a text in UTF-8: 32 bytes. */
export function sha256(text: string): Uint8Array {
  return digest(encoder.encode(text));
}

/** The same digest as 64 lower-case hexadecimal digits. */
export function sha256Hex(text: string): string {
  return Array.from(sha256(text), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
