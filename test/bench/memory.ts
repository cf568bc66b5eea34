// The memory of a Worker's isolate, asked of the runtime while requests come. The process as a whole says nothing: the local
// database, queues and objects live in it, too, and it grows for a Worker that does nothing.

import { within } from "../../src/lib/deadline.ts";

/** ms between two samples. */
export const EVERY = 200;

export interface MemoryWatch {
  stop(): void;
  /** Bytes of the heap in use, in order. */
  samples: number[];
}

/** Samples the heap by the runtime's debugger, which listens at `url`. */
export function watchMemory(url: string): MemoryWatch {
  const samples: number[] = [];
  const debug = openDebugger(url, (usage) => samples.push(usage));
  const timer = setInterval(() => {
    if (debug.socket.readyState === WebSocket.OPEN) debug.ask(USAGE);
  }, EVERY);
  return {
    samples,
    stop: () => {
      clearInterval(timer);
      debug.socket.close();
    },
  };
}

/** The debugger's door sometimes does not open while the one before it is being closed. */
const ANSWERS_WITHIN = 10_000; // ms
const MOST_TRIES = 5;

/**
 * Bytes of the heap that are still in use when all garbage has been collected, which the runtime does with its next
 * request: `request` makes one, again and again, for the first may be faster than the debugger's wish.
 */
export async function heldMemory(url: string, request: () => Promise<unknown>): Promise<number> {
  for (let tries = 1; tries < MOST_TRIES; tries++) {
    const held = await askHeld(url, request).catch(() => null);
    if (held !== null) return held;
  }
  return await askHeld(url, request);
}

async function askHeld(url: string, request: () => Promise<unknown>): Promise<number> {
  const collected = Promise.withResolvers<number>();
  const debug = openDebugger(url, collected.resolve, () => debug.ask(USAGE));
  debug.socket.addEventListener("error", () => collected.reject(new Error("the debugger does not answer")));
  let asking: ReturnType<typeof setInterval> | undefined;
  debug.socket.addEventListener("open", () => {
    debug.ask("HeapProfiler.collectGarbage");
    asking = setInterval(() => void request().catch(collected.reject), EVERY);
  });
  try {
    return await within(ANSWERS_WITHIN, "the debugger", collected.promise);
  } finally {
    clearInterval(asking);
    debug.socket.close();
  }
}

const USAGE = "Runtime.getHeapUsage";

/** `onUsage` gets answers to {@link USAGE}, in bytes; `onOther` is told of the others. */
function openDebugger(url: string, onUsage: (bytes: number) => void, onOther: () => void = () => undefined) {
  // Whoever debugs has to say where from.
  const options = { headers: { origin: "http://localhost" } };
  const socket: WebSocket = Reflect.construct(WebSocket, [url, options]);
  let id = 0;
  socket.addEventListener("message", ({ data }) => {
    const { result }: { result?: { usedSize?: number } } = JSON.parse(String(data));
    if (typeof result?.usedSize === "number") onUsage(result.usedSize);
    else if (result !== undefined) onOther();
  });
  const ask = (method: string): void => socket.send(JSON.stringify({ id: ++id, method }));
  return { socket, ask };
}
