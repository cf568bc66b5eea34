// Finds out how a body is written, from the body itself: curl sends forms by default, Windows calls CSV a spreadsheet, and
// a program that writes NDJSON may well label it JSON. Only what cannot be a list is refused by its first bytes.

import { encodingOf, piecesOf, type Encoding } from "../../../lib/encoding.ts";
import { fail, ok, type Result } from "../../../lib/result.ts";

/** How a body is written. */
export interface BodyForm {
  type: "csv" | "json" | "ndjson";
  encoding: Encoding;
}

/** First bytes of files that are no lists, and what to do with each. */
const BINARY: readonly [start: readonly number[], reason: string][] = [
  [[0x50, 0x4b, 0x03, 0x04], "is a spreadsheet or a ZIP file; unpack it, or save it as CSV"],
  [[0x1f, 0x8b], "is compressed; unpack it first"],
  [[0xd0, 0xcf, 0x11, 0xe0], "is a spreadsheet; save it as CSV"],
  [[0x25, 0x50, 0x44, 0x46], "is a PDF file"],
];

/** Reads no further than necessary. */
const SAMPLE = 65_536;

/** The form of a body. `contentType`: as the caller sent it. Fails with what is wrong with the body. */
export function formOf(contentType: string, body: Uint8Array): Result<BodyForm> {
  if (/^multipart\//i.test(contentType))
    return fail("is a form; send the file itself as the body (curl --data-binary @list.csv)");
  const binary = BINARY.find(([start]) => start.every((byte, at) => body[at] === byte));
  if (binary !== undefined) return fail(binary[1]);
  const encoding = encodingOf(body);
  return ok({ type: typeOf(contentType, sampleOf(body, encoding)), encoding });
}

function sampleOf(body: Uint8Array, encoding: Encoding): string {
  const [piece = ""] = piecesOf(body.subarray(0, SAMPLE), encoding);
  return piece.trimStart();
}

function typeOf(contentType: string, sample: string): BodyForm["type"] {
  if (/^application\/(x-)?(ndjson|jsonl|jsonlines)\b/i.test(contentType)) return "ndjson";
  if (sample.startsWith("{") || sample.startsWith("[")) return isLines(sample) ? "ndjson" : "json";
  return /^application\/([\w.-]+\+)?json\b/i.test(contentType) ? "json" : "csv";
}

/** Whether the text begins with a line that is an object of its own, with another line after it. */
function isLines(sample: string): boolean {
  const end = sample.indexOf("\n");
  if (!sample.startsWith("{") || end < 0 || sample.slice(end).trim() === "") return false;
  try {
    JSON.parse(sample.slice(0, end));
    return true;
  } catch {
    return false;
  }
}
