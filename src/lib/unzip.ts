// Unzips what senders have gzipped, without more memory than a body may take: a few kilobytes can hold gigabytes of
// zeros. zlib's own limit stops at the first byte too many.

/** What can come of unzipping: the bytes, or why there are none. */
export type Unzipped = { ok: true; bytes: Uint8Array } | { ok: false; reason: "too large" | "broken" };

/** Whether the bytes begin as gzip does (RFC 1952 section 2.3.1). No text in any format begins like that. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** Unzips gzip of at most `most` bytes of content; "broken" if it is no gzip, or incomplete. Never throws. */
export function unzip(bytes: Uint8Array, most: number): Unzipped {
  try {
    // Loaded at its first use, which hardly any request has, and without waiting, because parsers do not wait.
    const { buffer, byteOffset, byteLength } = process
      .getBuiltinModule("node:zlib")
      .gunzipSync(bytes, { maxOutputLength: most });
    return { ok: true, bytes: new Uint8Array(buffer, byteOffset, byteLength) };
  } catch (error) {
    // Both Node and the Worker throw a RangeError above the limit, with different words.
    return { ok: false, reason: error instanceof RangeError ? "too large" : "broken" };
  }
}
