// Sends one request in the way that it describes, and waits for the answer.

import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { readAnswers } from "./answers.ts";
import type { Answer, FuzzRequest, Outcome } from "./types.ts";
import { bytesOf, headersOf } from "./wire.ts";

/** How long a proper request waits for its answer, ms: long, because the machine may be busy. */
const PATIENCE = 60_000;
/** How long a request without a required answer waits after its last byte, ms. */
const SHORT_PATIENCE = 400;
/** The limit (ms) for an improper request that still receives bytes. */
const LONGEST_LOOSE = 10_000;

/** Sends the request to the port of this machine; never rejects. */
export async function exchange(port: number, request: FuzzRequest): Promise<Outcome> {
  const began = performance.now();
  const heard = request.via === "fetch" ? await byFetch(port, request) : await bySocket(port, request);
  return { ...heard, took: performance.now() - began };
}

type Heard = Omit<Outcome, "took">;

async function byFetch(port: number, request: FuzzRequest): Promise<Heard> {
  const { method, target, body } = request;
  const headers = headersOf({ ...request, framing: "none" }, Date.now());
  try {
    const response = await fetch(`http://localhost:${port}${target}`, {
      method,
      headers,
      redirect: "manual",
      signal: AbortSignal.timeout(PATIENCE),
      ...(method === "GET" || method === "HEAD" ? {} : { body: new Uint8Array(body) }),
    });
    const answer: Answer = {
      status: response.status,
      headers: new Headers([...response.headers]),
      body: Buffer.from(await response.arrayBuffer()),
    };
    return { answers: [answer], malformed: null, silent: false };
  } catch (error) {
    const silent = error instanceof Error && error.name === "TimeoutError";
    // undici's message is only "fetch failed"; the reason is in the cause
    const why = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    return { answers: [], malformed: silent ? null : `fetch got no answer: ${why}`, silent };
  }
}

async function bySocket(port: number, request: FuzzRequest): Promise<Heard> {
  const methods = [request, ...request.pipeline].map(({ method }) => method);
  const socket = connect({ port, host: "localhost", noDelay: true, allowHalfOpen: true });
  socket.setMaxListeners(0);
  let chunks: Buffer[] = [];
  let [size, tried] = [0, 0];
  let later: ReturnType<typeof setTimeout> | undefined;
  let closed = false;
  let answers: Answer[] = [];
  let malformed: string | null = null;
  let done = (): void => undefined;
  const finished = new Promise<void>((resolve) => (done = resolve));
  const read = (): void => {
    clearTimeout(later);
    later = undefined;
    const began = performance.now();
    const bytes = Buffer.concat(chunks);
    [chunks, tried] = [[bytes], size];
    ({ answers, malformed } = readAnswers(bytes, methods, closed));
    took = performance.now() - began;
    if (closed || malformed !== null || answers.length >= methods.length) done();
  };
  let took = 0;
  socket.on("data", (chunk) => {
    chunks.push(chunk);
    size += chunk.length;
    if (request.leaves) socket.destroy();
    // A long answer is not read from its beginning with each chunk, which would hold up all other requests.
    else if (size >= 2 * tried) read();
    else later ??= setTimeout(read, 4 * took);
  });
  const over = (): void => {
    closed = true;
    read();
  };
  socket.on("end", over).on("close", over).on("error", over);
  const limit = setTimeout(done, request.whole ? PATIENCE : LONGEST_LOOSE);
  await write(socket, request, () => closed || answers.length >= methods.length);
  const patience = request.whole || request.leaves ? null : setTimeout(done, SHORT_PATIENCE);
  await finished;
  clearTimeout(limit);
  clearTimeout(later);
  if (patience !== null) clearTimeout(patience);
  socket.destroy();
  const silent = request.whole && answers.length === 0 && malformed === null;
  // An answer to a sender that left in the middle may be incomplete.
  return { answers, malformed: request.whole || !closed ? malformed : null, silent };
}

/** Writes in the request's way; stops once the server has answered or closed the connection. */
async function write(socket: Socket, request: FuzzRequest, isOver: () => boolean): Promise<void> {
  const { cut, drip } = request;
  const all = bytesOf(request, Date.now());
  const bytes = cut === null ? all : all.subarray(0, Math.ceil(all.length * cut.share));
  const pieces = drip?.pieces ?? 1;
  const size = Math.max(1, Math.ceil(bytes.length / pieces));
  for (let at = 0; at < bytes.length && !isOver(); at += size) {
    if (at > 0) await sleep(drip?.pause ?? 0);
    await new Promise<void>((resolve) => {
      socket.once("close", () => resolve());
      socket.write(bytes.subarray(at, at + size), () => resolve());
    });
  }
  if (cut?.end === "half-close") socket.end();
  if (cut?.end === "destroy") socket.destroy();
}
