// fauxqs, which keeps queues as SQS does, but takes every signature: it has the queues `events`, `small` and
// `events.fifo`.

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Peer } from "./rooms.ts";

export async function start(): Promise<Peer> {
  const thread = new Worker(new URL("fauxqs-thread.ts", import.meta.url).pathname);
  const [port] = (await once(thread, "message")) as [number];
  return { port, stop: async () => void (await thread.terminate()) };
}
