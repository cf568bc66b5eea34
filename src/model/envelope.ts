// One accepted request as it travels: through the queue, the spool and the archive. The queue carries it as a frame:
// four bytes of header length, the header as JSON, then the body as it came or gzipped.

import { nodeZlib } from "../lib/node-modules.ts";

export interface Envelope {
  /** Made at receipt; sorts by time. */
  id: string;
  source: string;
  provider: string;
  /** ms since the epoch */
  receivedAt: number;
  method: string;
  /** Without the source's token. */
  url: string;
  /** Those that the provider's parser asked for. */
  headers: [name: string, value: string][];
  body: Uint8Array;
  /** The sender's address is not in the list that the source observes. */
  outside?: true;
  /** Sent again out of the dead letters. */
  replay?: true;
  /** Somebody was taken out of it (src/erasure/): nulls and an empty body are gaps, not reports. */
  erased?: true;
}

type Header = Omit<Envelope, "body"> & {
  /** The body is gzipped. */
  gzip?: true;
  /** The body is not here but in the archive's object of this id (claim check). */
  batch?: string;
};

/** What a frame tells: the envelope, or one whose body lies in the archive. */
export type Frame = { envelope: Envelope; batch: null } | { envelope: Omit<Envelope, "body">; batch: string };

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The frame of an envelope with its body inside. */
export function encodeFrame({ body, ...header }: Envelope): Uint8Array<ArrayBuffer> {
  return join(header, body);
}

/** The same, with the body gzipped at `level`: 1 is fastest, 9 smallest. */
export async function encodeGzipped(
  { body, ...header }: Envelope,
  level?: number,
): Promise<Uint8Array<ArrayBuffer>> {
  return join({ ...header, gzip: true }, await gzip(body, level));
}

/** The frame of an envelope whose body lies in the archive. */
export function encodePointer({ body: _, ...header }: Envelope, batch: string): Uint8Array<ArrayBuffer> {
  return join({ ...header, batch }, new Uint8Array(0));
}

function join(header: Header, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = encoder.encode(JSON.stringify(header));
  const frame = new Uint8Array(4 + head.length + body.length);
  new DataView(frame.buffer).setUint32(0, head.length);
  frame.set(head, 4);
  frame.set(body, 4 + head.length);
  return frame;
}

/** Reads a frame; rejects where the bytes are none. */
export async function decodeFrame(frame: Uint8Array): Promise<Frame> {
  const { header, body } = cutFrame(frame);
  const { gzip: gzipped, batch, ...envelope } = header;
  if (batch !== undefined) return { envelope, batch };
  return { envelope: { ...envelope, body: gzipped === true ? await gunzip(body) : body }, batch: null };
}

/** What a frame tells of its envelope beside the body; throws where the bytes are none. */
export function headerOf(frame: Uint8Array): Omit<Envelope, "body"> {
  const { gzip: _, batch: __, ...envelope } = cutFrame(frame).header;
  return envelope;
}

function cutFrame(frame: Uint8Array): { header: Header; body: Uint8Array } {
  const length = new DataView(frame.buffer, frame.byteOffset).getUint32(0);
  if (4 + length > frame.length) throw new RangeError("the frame is cut off");
  const header = JSON.parse(decoder.decode(frame.subarray(4, 4 + length))) as Header;
  if (typeof header.id !== "string" || typeof header.source !== "string") throw new TypeError("not a frame");
  return { header, body: frame.subarray(4 + length) };
}

// Not by the platform's streams: for a message's few kilobytes these cost three to ten times as much. Loaded when it is
// called: most of what a new isolate is asked first has nothing to compress.
/** `level`: 1 is fastest, 9 smallest; by default the 6 of all gzip programs. */
export async function gzip(bytes: Uint8Array, level = 6): Promise<Uint8Array> {
  const { gzipSync } = await nodeZlib();
  return plain(gzipSync(bytes, { level }));
}

/** Rejects where the bytes are not gzip. */
export async function gunzip(bytes: Uint8Array): Promise<Uint8Array> {
  const { gunzipSync } = await nodeZlib();
  return plain(gunzipSync(bytes));
}

/** Node's Buffer as what it holds. */
function plain({ buffer, byteOffset, byteLength }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** The envelope as one line of the archive: JSON, with the body as text where it is UTF-8 and as base64 where not. */
export function toLine({ body, ...header }: Envelope): string {
  return JSON.stringify({ ...header, ...bodyToJson(body) });
}

/** Reads a line that {@link toLine} wrote; the body comes back byte for byte. */
export function fromLine(line: string): Envelope {
  const { text, base64, ...header } = JSON.parse(line) as Omit<Envelope, "body"> & {
    text?: string;
    base64?: string;
  };
  return { ...header, body: text !== undefined ? encoder.encode(text) : Buffer.from(base64 ?? "", "base64") };
}

const exact = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A body as JSON can hold it: `text` where it is UTF-8, else `base64`. */
export function bodyToJson(body: Uint8Array): { text: string } | { base64: string } {
  try {
    return { text: exact.decode(body) };
  } catch {
    return { base64: Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("base64") };
  }
}
