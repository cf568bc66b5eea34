// Reads multipart/form-data (RFC 7578), which Mailgun's old posts with attachments use, and relays that repack a form.
// @remix-run/multipart-parser is made for Workers, works on bytes without waiting for anything, and bounds the size of
// headers and the number of parts. It is strict about line ends, so a body with bare line feeds is given carriage
// returns first.

import { parseMultipart, MaxPartsExceededError } from "@remix-run/multipart-parser";
import { fail, ok, type Result } from "../../lib/result.ts";

/** The most parts that are read: no report has as many. */
const MOST_PARTS = 1_000;
/** Bytes of a part's header: the names of a field and a file. */
const LONGEST_HEADER = 1_000;
/** Bytes of all parts. Bodies are limited before they are read; this only has to be more than that limit. */
const MOST_BYTES = 8_000_000;

/** Boundaries have at most 70 characters (RFC 2046 section 5.1.1). */
const FIRST_LINE = /^--([ -~]{1,70}?)[ \t]*(\r?\n)/;

/** Whether the body begins like multipart/form-data: with a boundary of its own line. */
export function isMultipart(body: Uint8Array): boolean {
  return body[0] === 0x2d && body[1] === 0x2d && FIRST_LINE.test(startOf(body));
}

/**
 * The names and values of the fields in their order, without files and without parts that have no name; bytes that are
 * not UTF-8 become U+FFFD. The boundary is taken from the body's first line, so no content type is needed. Fails if the
 * body is no multipart form, is broken off, or has too many parts.
 */
export function readMultipart(body: Uint8Array): Result<[string, string][]> {
  const [, boundary, lineEnd] = FIRST_LINE.exec(startOf(body)) ?? [];
  if (boundary === undefined) return fail("the body does not begin with a boundary");
  const isBare = lineEnd === "\n";
  const limits = {
    maxParts: MOST_PARTS,
    maxHeaderSize: LONGEST_HEADER,
    maxFileSize: MOST_BYTES,
    maxTotalSize: MOST_BYTES,
  };
  const fields: [string, string][] = [];
  try {
    for (const part of parseMultipart(isBare ? withReturns(body) : body, { boundary, ...limits })) {
      const { name, headers } = part;
      if (name === undefined || /;\s*filename/i.test(headers["content-disposition"] ?? "")) continue;
      const value = new TextDecoder().decode(part.bytes);
      fields.push([name, isBare ? value.replaceAll("\r\n", "\n") : value]);
    }
    return ok(fields);
  } catch (error) {
    const isLong = error instanceof MaxPartsExceededError;
    return fail(isLong ? `more than ${MOST_PARTS} parts in one form` : "the multipart form cannot be read");
  }
}

function startOf(body: Uint8Array): string {
  return new TextDecoder().decode(body.subarray(0, 100));
}

/** The bytes with a carriage return before each line feed. Latin-1 gives back every byte as it was. */
function withReturns(body: Uint8Array): Uint8Array {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("latin1");
  return new Uint8Array(Buffer.from(text.replaceAll(/\r?\n/g, "\r\n"), "latin1"));
}
