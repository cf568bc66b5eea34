// Reads a request's body within limits of size, time and, as long as the sender is unknown, of memory. It checks both
// the declared length and the bytes that really arrive.

/** The largest accepted body, in bytes. */
export const MAX_BODY = 5_000_000;

/** A share of the isolate's memory, in bytes. */
export interface Budget {
  /** Takes bytes; false if there are not so many left. */
  take(bytes: number): boolean;
  /** Returns bytes that were taken. */
  giveBack(bytes: number): void;
}

/** A budget of so many bytes. */
export function budgetOf(bytes: number): Budget {
  let left = bytes;
  return {
    take(wanted) {
      if (wanted > left) return false;
      left -= wanted;
      return true;
    },
    giveBack(taken) {
      left += taken;
    },
  };
}

/** How much of a body is read. */
export interface Limits {
  /** Bytes */
  most: number;
  /** For the whole body, in ms. */
  deadline: number;
  /** Where the body's bytes are taken from; they stay taken until {@link ReadBody.release}. Null: nowhere. */
  budget: Budget | null;
}

/** Why a body was not read to its end. */
export type Unread = "too large" | "too slow" | "broken off" | "no memory";

/** A body, or the reason why it was not read. `release` returns its bytes to the budget; it may be called twice. */
export interface ReadBody {
  body: Uint8Array | Unread;
  release: () => void;
}

/** The declared length of the body in bytes; null if none is declared, or in chunks. */
export function declaredLength({ headers }: Request): number | null {
  const declared = headers.get("content-length");
  if (declared === null || headers.has("transfer-encoding") || !/^\d+$/.test(declared)) return null;
  return Number(declared);
}

/** Up to this length a body is charged as declared and read at once, because a stream costs more than that. */
const READ_AT_ONCE = 65_536;

/** Reads the body. Never rejects. */
export async function readBody(request: Request, { most, deadline, budget }: Limits): Promise<ReadBody> {
  let taken = 0;
  const take = (bytes: number): boolean => {
    if (budget?.take(bytes) === false) return false;
    taken += bytes;
    return true;
  };
  const release = (): void => {
    budget?.giveBack(taken);
    taken = 0;
  };
  const declared = declaredLength(request);
  if (declared !== null && declared > most) return { body: "too large", release };
  const atOnce = declared !== null && (budget === null || declared <= READ_AT_ONCE);
  if (atOnce && !take(declared)) return { body: "no memory", release };
  const reading = atOnce ? readAtOnce(request, most) : readCounted(request, most, take);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<"too slow">((resolve) => {
    timer = setTimeout(() => resolve("too slow"), deadline);
  });
  const body = await Promise.race([reading.done, late]);
  clearTimeout(timer);
  if (body === "too slow") reading.stop();
  if (typeof body === "string") release();
  return { body, release };
}

interface Reading {
  /** Never rejects. */
  done: Promise<Uint8Array | Unread>;
  stop(): void;
}

/** The HTTP layer reads no more bytes than the sender declared, so this is bounded. */
function readAtOnce(request: Request, most: number): Reading {
  const done = request.arrayBuffer().then(
    (bytes): Uint8Array | Unread => (bytes.byteLength > most ? "too large" : new Uint8Array(bytes)),
    (): Unread => "broken off",
  );
  return { done, stop: () => {} };
}

function readCounted(request: Request, most: number, take: (bytes: number) => boolean): Reading {
  if (request.body === null) return { done: Promise.resolve(new Uint8Array(0)), stop: () => {} };
  const reader = request.body.getReader();
  const stop = (): void => void reader.cancel().catch(() => {});
  return { done: gather(reader, most, take, stop).catch((): Unread => "broken off"), stop };
}

/** Copies the chunks into a buffer that grows, because many short chunks would take more memory than their bytes. */
async function gather(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  most: number,
  take: (bytes: number) => boolean,
  stop: () => void,
): Promise<Uint8Array | Unread> {
  let buffer = new Uint8Array(0);
  let size = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    const end = size + next.value.length;
    if (end > most || !take(next.value.length)) {
      stop();
      return end > most ? "too large" : "no memory";
    }
    if (end > buffer.length) {
      const larger = new Uint8Array(Math.min(most, Math.max(end, 2 * buffer.length)));
      larger.set(buffer.subarray(0, size));
      buffer = larger;
    }
    buffer.set(next.value, size);
    size = end;
  }
  return buffer.subarray(0, size);
}
