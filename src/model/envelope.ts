// One accepted request as it travels through the queue, the spool and the archive. Queue and spool hold it as a frame:
// four bytes with the header's length (big-endian), the header as JSON, then the body as received or gzipped.

import { nodeZlib } from "../lib/node-modules.ts";
import type { PrefixRange } from "./storage/shards.ts";

/** An accepted request. */
export interface Envelope {
  /** Generated at receipt; ids sort by time. */
  id: string;
  source: string;
  provider: string;
  /** Time of receipt, ms since the epoch. */
  receivedAt: number;
  method: string;
  /** The request's URL without the source's token. */
  url: string;
  /** The headers that the provider's parser needs, and through how many pipes it came (hops.ts). */
  headers: [name: string, value: string][];
  body: Uint8Array;
  /** The sender's IP address is not in the source's list, which is only observed (ip_policy "observe"). */
  outside?: true;
  /** The network of such a sender, as in `203.0.113.0/24`. */
  network?: string;
  /** A dead letter's delivery that was sent through again. */
  replay?: true;
  /** A contact was erased from it (src/erasure/), so nulls and an empty body are gaps and not reports. */
  erased?: true;
}

/** What an envelope carries to the consumer and no further: the fingerprint of the credential that proved it. */
interface Proven {
  credential?: string;
}

/** An envelope on its way to the consumer. */
export type ProvenEnvelope = Envelope & Proven;

/** A part of an envelope that is in the archive: the contacts whose prefixes lie in these ranges. */
export interface ParkedPart {
  /** The line of the archive object. */
  line: number;
  ranges: readonly PrefixRange[];
}

type Header = Omit<ProvenEnvelope, "body"> & {
  /** The body is gzipped. */
  gzip?: true;
  /** The body is not in the frame but in the archive object with this id (claim check pattern). */
  batch?: string;
  parked?: ParkedPart;
};

/**
 * A decoded frame: the whole envelope; or the envelope without its body and the archive object that holds the body; or, of
 * a parked part, as much of the envelope as tells it apart.
 */
export type Frame = Proven &
  (
    | { envelope: Envelope; batch: null }
    | { envelope: Omit<Envelope, "body">; batch: string; parked?: ParkedPart }
  );

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Encodes an envelope as a frame with the plain body. */
export function encodeFrame({ body, ...header }: ProvenEnvelope): Uint8Array<ArrayBuffer> {
  return join(header, body);
}

/** Encodes an envelope as a frame with the body gzipped at `level`: 1 is fastest, 9 smallest. */
export async function encodeGzipped(
  { body, ...header }: ProvenEnvelope,
  level?: number,
): Promise<Uint8Array<ArrayBuffer>> {
  return join({ ...header, gzip: true }, await gzip(body, level));
}

/** Encodes the frame of an envelope whose body is in the archive object `batch`. */
export function encodePointer(
  { body: _, ...header }: ProvenEnvelope,
  batch: string,
): Uint8Array<ArrayBuffer> {
  return join({ ...header, batch }, new Uint8Array(0));
}

/** What stands for the URL of a parked part: the archive has the request's, which may hold an address. */
const PARKED_URL = "https://parked.invalid/";

/** Encodes the frame of a parked part. It holds no address: everything else is in the archive object `batch`. */
export function encodeParked(
  { id, source, provider, receivedAt, method }: Omit<Envelope, "body">,
  batch: string,
  parked: ParkedPart,
): Uint8Array<ArrayBuffer> {
  const header = { id, source, provider, receivedAt, method, url: PARKED_URL, headers: [], batch, parked };
  return join(header, new Uint8Array(0));
}

function join(header: Header, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = encoder.encode(JSON.stringify(header));
  const frame = new Uint8Array(4 + head.length + body.length);
  new DataView(frame.buffer).setUint32(0, head.length);
  frame.set(head, 4);
  frame.set(body, 4 + head.length);
  return frame;
}

/** Decodes a frame. Rejects if the bytes are not a frame. */
export async function decodeFrame(frame: Uint8Array): Promise<Frame> {
  const { header, body } = cutFrame(frame);
  const { gzip: gzipped, batch, credential, parked, ...envelope } = header;
  const proven: Proven = credential === undefined ? {} : { credential };
  if (batch !== undefined) return { envelope, batch, ...proven, ...(parked === undefined ? {} : { parked }) };
  const whole = { ...envelope, body: gzipped === true ? await gunzip(body) : body };
  return { envelope: whole, batch: null, ...proven };
}

/** The envelope of a frame without its body. Throws if the bytes are not a frame. */
export function headerOf(frame: Uint8Array): Omit<Envelope, "body"> {
  const { gzip: _, batch: __, credential: ___, parked: ____, ...envelope } = cutFrame(frame).header;
  return envelope;
}

function cutFrame(frame: Uint8Array): { header: Header; body: Uint8Array } {
  const length = new DataView(frame.buffer, frame.byteOffset).getUint32(0);
  if (4 + length > frame.length) throw new RangeError("the frame is cut off");
  const header = JSON.parse(decoder.decode(frame.subarray(4, 4 + length))) as Header;
  if (typeof header.id !== "string" || typeof header.source !== "string") throw new TypeError("not a frame");
  return { header, body: frame.subarray(4 + length) };
}

// The platform's streams would take three to ten times as long for a message's few kilobytes. zlib is loaded at its
// first use, because most first requests of a new isolate have nothing to compress.
/** Gzips bytes. `level`: 1 is fastest, 9 smallest; by default 6, like all gzip programs. */
export async function gzip(bytes: Uint8Array, level = 6): Promise<Uint8Array> {
  const { gzipSync } = await nodeZlib();
  return plain(gzipSync(bytes, { level }));
}

/** Unzips bytes. Rejects if they are not gzip. */
export async function gunzip(bytes: Uint8Array): Promise<Uint8Array> {
  const { gunzipSync } = await nodeZlib();
  return plain(gunzipSync(bytes));
}

/** A Node Buffer as a plain Uint8Array of the same bytes. */
function plain({ buffer, byteOffset, byteLength }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Encodes an envelope as one line of the archive: JSON, with the body as text if it is UTF-8, else as base64. */
export function toLine({ body, ...header }: Envelope): string {
  return JSON.stringify({ ...header, ...bodyToJson(body) });
}

/** Encodes an envelope like {@link toLine}, but its body always as base64, for which nothing needs to read it. */
export function toUnreadLine({ body, ...header }: Envelope): string {
  return JSON.stringify({ ...header, base64: toBase64(body) });
}

/** Decodes a line that {@link toLine} wrote. The body is restored byte for byte. Throws if the line is not JSON. */
export function fromLine(line: string): Envelope {
  const { text, base64, ...header } = JSON.parse(line) as Omit<Envelope, "body"> & {
    text?: string;
    base64?: string;
  };
  return { ...header, body: text !== undefined ? encoder.encode(text) : Buffer.from(base64 ?? "", "base64") };
}

const exact = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A body in a form for JSON: `text` if it is UTF-8, else `base64`. */
export function bodyToJson(body: Uint8Array): { text: string } | { base64: string } {
  try {
    return { text: exact.decode(body) };
  } catch {
    return { base64: toBase64(body) };
  }
}

function toBase64({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("base64");
}
