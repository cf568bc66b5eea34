// Reads answers from a connection, strictly: an answer that is not HTTP/1.1 is a finding, and a lenient library would
// hide it.

import type { Answer } from "./types.ts";

/** The result of reading a connection. `malformed`: why the bytes are not an answer; null if they are. */
export interface Read {
  answers: Answer[];
  /** The bytes left over: the beginning of another answer. */
  rest: Buffer;
  malformed: string | null;
}

const END = "\r\n\r\n";
const MOST_HEAD = 64_000;

/**
 * The answers in `bytes`. `methods`: the requests' methods in order, because an answer to HEAD has no body; `closed`:
 * whether no more bytes will come.
 */
export function readAnswers(bytes: Buffer, methods: readonly string[], closed: boolean): Read {
  const answers: Answer[] = [];
  let rest = bytes;
  while (rest.length > 0) {
    const next = readOne(rest, methods[answers.length] ?? "GET", closed);
    if (next === null) break;
    if (typeof next === "string") return { answers, rest, malformed: next };
    if (next.answer.status >= 200) answers.push(next.answer); // an interim answer (1xx) is followed by another
    rest = rest.subarray(next.length);
  }
  const malformed = closed && rest.length > 0 ? "the answer is cut off" : null;
  return { answers, rest, malformed };
}

type One = { answer: Answer; length: number };

/** The first answer; null if more bytes are needed; a text with the reason if it is not an answer. */
function readOne(bytes: Buffer, method: string, closed: boolean): One | string | null {
  const end = bytes.indexOf(END);
  if (end < 0) return bytes.length > MOST_HEAD ? "the head of the answer does not end" : null;
  const [first = "", ...lines] = bytes.toString("latin1", 0, end).split("\r\n");
  const status = Number(/^HTTP\/1\.1 ([1-5]\d\d)(?: [\x20-\x7e]*)?$/.exec(first)?.[1]);
  if (!(status >= 100)) return `the status line is ${JSON.stringify(first.slice(0, 100))}`;
  const headers = new Headers();
  for (const line of lines) {
    const [, name, value] = /^([\w!#$%&'*+.^`|~-]+):[ \t]*([\x20-\x7e\x80-\xff\t]*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined)
      return `a header line is ${JSON.stringify(line.slice(0, 100))}`;
    headers.append(name, value.trim());
  }
  const start = end + END.length;
  const found = bodyAt(bytes.subarray(start), { status, headers, method, closed });
  if (found === null || typeof found === "string") return found;
  return { answer: { status, headers, body: found.body }, length: start + found.length };
}

interface Head {
  status: number;
  headers: Headers;
  method: string;
  closed: boolean;
}

function bodyAt(
  bytes: Buffer,
  { status, headers, method, closed }: Head,
): { body: Buffer; length: number } | string | null {
  if (status < 200 || status === 204 || status === 304 || method === "HEAD")
    return { body: Buffer.alloc(0), length: 0 };
  if (/chunked/i.test(headers.get("transfer-encoding") ?? "")) return dechunk(bytes);
  const declared = headers.get("content-length");
  if (declared === null) return closed ? { body: bytes, length: bytes.length } : null;
  if (!/^\d{1,9}$/.test(declared)) return `content-length is ${JSON.stringify(declared)}`;
  const length = Number(declared);
  return bytes.length < length ? null : { body: bytes.subarray(0, length), length };
}

function dechunk(bytes: Buffer): { body: Buffer; length: number } | string | null {
  const parts: Buffer[] = [];
  for (let at = 0; ;) {
    const line = bytes.indexOf("\r\n", at);
    if (line < 0) return null;
    const size = bytes.toString("latin1", at, line);
    if (!/^[\da-f]{1,7}$/i.test(size)) return `a chunk's size is ${JSON.stringify(size.slice(0, 20))}`;
    const length = Number.parseInt(size, 16);
    at = line + 2;
    if (bytes.length < at + length + 2) return null;
    parts.push(bytes.subarray(at, at + length));
    at += length + 2;
    if (length === 0) return { body: Buffer.concat(parts), length: at };
  }
}
