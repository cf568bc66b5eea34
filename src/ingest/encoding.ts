// Undoes the content-encoding of a body (RFC 9110 section 8.4), after its origin is proved: signatures are over the
// bytes that were sent. What is stored is the plain body, so nothing later needs to know how it came.

import { isGzip, unzip } from "../lib/unzip.ts";
import { MAX_BODY } from "./body.ts";

/**
 * The body without its encoding. "encoding" if we do not know it, "too large" if the content is. A body that does not
 * begin like gzip is taken as it is, because some proxies unzip it and leave the header; so is gzip that is broken,
 * because a sender would only repeat it: it becomes a dead letter.
 */
export function decoded(body: Uint8Array, headers: Headers): Uint8Array | "too large" | "encoding" {
  const encoding = (headers.get("content-encoding") ?? "").trim().toLowerCase();
  if (encoding === "" || encoding === "identity") return body;
  if (encoding !== "gzip" && encoding !== "x-gzip") return "encoding";
  if (!isGzip(body)) return body;
  const content = unzip(body, MAX_BODY);
  if (content.ok) return content.bytes;
  return content.reason === "too large" ? "too large" : body;
}
