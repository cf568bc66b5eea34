// Reads and writes objects of gzipped lines one line at a time. An object of the archive may be many times as long as
// what the Worker's memory can hold of it beside everything else.

import { gunzip, gzip } from "../../model/envelope.ts";

/** Objects that are longer than this, unzipped, are read as a stream (bytes). For short ones that takes too long. */
export const SHORT = 1_000_000;

/** An error by the content of an object, which stays the same however often it is read. */
type ContentError = Error & { content: true };

/** Whether the bytes of an object were read, and are not what they should be. */
export function isContentError(error: unknown): error is ContentError {
  return error instanceof Error && "content" in error;
}

function contentErrorOf(cause: unknown): Error {
  return Object.assign(new Error("an object is not gzipped text", { cause }), { content: true });
}

/** The length of a gzipped text, bytes: gzip ends with it (RFC 1952 section 2.3.1). */
export function lengthOf(zipped: Uint8Array): number {
  if (zipped.length < 18) return 0;
  return new DataView(zipped.buffer, zipped.byteOffset).getUint32(zipped.length - 4, true);
}

/** The lines of a gzipped text, without their ends. A text that ends with one has an empty last line. */
export async function* linesOf(zipped: Uint8Array): AsyncGenerator<string> {
  if (lengthOf(zipped) <= SHORT) {
    yield* (await shortText(zipped)).split("\n");
    return;
  }
  const decoder = new TextDecoder();
  let pieces: string[] = [];
  for await (const chunk of chunksOf(zipped)) {
    const [first = "", ...others] = decoder.decode(chunk, { stream: true }).split("\n");
    pieces.push(first);
    for (const other of others) {
      yield pieces.join("");
      pieces = [other];
    }
  }
  yield pieces.join("") + decoder.decode();
}

async function shortText(zipped: Uint8Array): Promise<string> {
  try {
    return new TextDecoder().decode(await gunzip(zipped));
  } catch (error) {
    throw contentErrorOf(error);
  }
}

async function* chunksOf(zipped: Uint8Array): AsyncGenerator<Uint8Array> {
  const reader = new Blob([zipped as Uint8Array<ArrayBuffer>])
    .stream()
    .pipeThrough(new DecompressionStream("gzip"))
    .getReader();
  try {
    for (;;) {
      const chunk = await reader.read();
      if (chunk.done) return;
      yield chunk.value;
    }
  } catch (error) {
    throw contentErrorOf(error);
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** Gzips lines, which come one after the other. `length`: about how many bytes they have together. */
export async function zipLines(lines: AsyncIterable<string>, length: number): Promise<Uint8Array> {
  const encoder = new TextEncoder();
  if (length <= SHORT) {
    const all: string[] = [];
    for await (const line of lines) all.push(line);
    return await gzip(encoder.encode(all.join("\n")));
  }
  const { readable, writable } = new CompressionStream("gzip");
  const zipped = new Response(readable).bytes();
  const writer = writable.getWriter();
  let end = "";
  for await (const line of lines) {
    await writer.write(encoder.encode(end + line));
    end = "\n";
  }
  await writer.close();
  return await zipped;
}
