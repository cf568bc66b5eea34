// Reads a request's body within the size limit. It checks both the declared length and the bytes that really arrive.

/** The largest accepted body, in bytes. */
export const MAX_BODY = 5_000_000;

/** Resolves to the body, or to null if it is over the limit. Rejects if the request breaks off. */
export async function readBody(request: Request): Promise<Uint8Array | null> {
  const { headers } = request;
  const declared = headers.get("content-length");
  if (declared !== null && Number(declared) > MAX_BODY) return null;
  // Access to `request.body` creates a stream, which costs more than reading the whole body at once.
  if (declared === null || headers.has("transfer-encoding")) {
    return request.body === null ? new Uint8Array(0) : await readCounted(request.body);
  }
  // The HTTP layer reads no more bytes than the sender declared, so this is bounded.
  const body = new Uint8Array(await request.arrayBuffer());
  return body.length > MAX_BODY ? null : body;
}

async function readCounted(stream: ReadableStream<Uint8Array>): Promise<Uint8Array | null> {
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    size += next.value.length;
    if (size > MAX_BODY) {
      await reader.cancel();
      return null;
    }
    chunks.push(next.value);
  }
  const body = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    body.set(chunk, offset);
    offset += chunk.length;
  }
  return body;
}
