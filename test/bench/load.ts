// The load generator: HTTP/1.1 over kept-alive sockets, with nothing in between, because a full client costs more per
// request than the Workers that it is to measure. How busy its own thread is gets measured with every run.

import { connect, type Socket } from "node:net";
import { performance } from "node:perf_hooks";

export interface Load {
  url: URL;
  /** Connections, each with one request at a time. */
  connections: number;
  /** How long to go on, in ms. */
  duration: number;
  headers: Readonly<Record<string, string>>;
  /** The next request's body, and headers that belong to it. */
  next(): { body: Buffer; headers?: Readonly<Record<string, string>> };
}

export interface LoadResult {
  /** Answered with 200. */
  acknowledged: number;
  /** ms from the first request to the last answer. */
  elapsed: number;
  /** ms from when each was due to its answer. */
  latencies: number[];
  /** Share of the time in which this thread was busy, 0 to 1. */
  busy: number;
}

/** Sends as fast as the answers come. Rejects on any answer but 200. */
export async function saturate(load: Load): Promise<LoadResult> {
  return await run(load, async (exchange, result) => {
    const began = performance.now();
    while (performance.now() - began < load.duration) {
      const due = performance.now();
      await exchange();
      result.latencies.push(performance.now() - due);
    }
  });
}

/**
 * Sends `rate` requests a second, whatever the answers do. A request that finds no connection free waits, and its wait
 * counts, as it does for the sender.
 */
export async function sendAtRate(load: Load, rate: number): Promise<LoadResult> {
  const due = startSchedule(Math.floor((load.duration / 1000) * rate), rate);
  return await run(load, async (exchange, result) => {
    for (let at = await due.next(); at !== null; at = await due.next()) {
      await exchange();
      result.latencies.push(performance.now() - at);
    }
  });
}

/** Gives out the times at which requests are due, each when it has come; null when all are given out. */
function startSchedule(total: number, rate: number): { next(): Promise<number | null> } {
  const began = performance.now();
  const due: number[] = [];
  const waiting: ((at: number | null) => void)[] = [];
  let scheduled = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    const soFar = Math.min(total, Math.floor(((now - began) / 1000) * rate));
    for (; scheduled < soFar; scheduled++) {
      const first = waiting.shift();
      if (first === undefined) due.push(now);
      else first(now);
    }
    if (scheduled < total) return;
    clearInterval(timer);
    for (const resolve of waiting.splice(0)) resolve(null);
  }, 1);
  return {
    next: async () => {
      const at = due.shift();
      if (at !== undefined) return at;
      if (scheduled === total) return null;
      return await new Promise((resolve) => waiting.push(resolve));
    },
  };
}

async function run(
  load: Load,
  work: (exchange: () => Promise<void>, result: LoadResult) => Promise<void>,
): Promise<LoadResult> {
  const sockets = await Promise.all(Array.from({ length: load.connections }, () => open(load.url)));
  const result: LoadResult = { acknowledged: 0, elapsed: 0, latencies: [], busy: 0 };
  const head = headOf(load);
  const before = performance.eventLoopUtilization();
  const began = performance.now();
  try {
    await Promise.all(
      sockets.map(async (socket) => {
        const exchange = async (): Promise<void> => {
          const { body, headers = {} } = load.next();
          const answer = await ask(socket, Buffer.concat([endHead(head, headers, body.length), body]));
          if (!answer.startsWith("HTTP/1.1 200")) throw new Error(`answered: ${answer.slice(0, 200)}`);
          result.acknowledged += 1;
        };
        await work(exchange, result);
      }),
    );
  } finally {
    for (const socket of sockets) socket.destroy();
  }
  result.elapsed = performance.now() - began;
  result.busy = performance.eventLoopUtilization(before).utilization;
  return result;
}

async function open({ hostname, port }: URL): Promise<Socket> {
  return await new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true }, () => resolve(socket));
    socket.once("error", reject);
  });
}

function headOf({ url, headers }: Load): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST ${url.pathname}${url.search} HTTP/1.1\r\nhost: ${url.host}\r\n${lines.join("")}`;
}

function endHead(head: string, headers: Readonly<Record<string, string>>, length: number): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${head}${lines.join("")}content-length: ${length}\r\n\r\n`);
}

/** One request and its whole answer, as text. */
async function ask(socket: Socket, request: Buffer): Promise<string> {
  return await new Promise((resolve, reject) => {
    let answer = "";
    const settle = (error: Error | null): void => {
      socket.off("data", onData).off("error", settle).off("close", onClose);
      if (error === null) resolve(answer);
      else reject(error);
    };
    const onData = (chunk: Buffer): void => {
      answer += chunk.toString("latin1");
      if (isWhole(answer)) settle(null);
    };
    const onClose = (): void => settle(new Error("the connection was closed without an answer"));
    socket.on("data", onData).once("error", settle).once("close", onClose);
    socket.write(request);
  });
}

function isWhole(answer: string): boolean {
  const end = answer.indexOf("\r\n\r\n");
  if (end < 0) return false;
  const head = answer.slice(0, end).toLowerCase();
  if (head.includes("transfer-encoding: chunked")) return answer.endsWith("0\r\n\r\n");
  const length = /content-length: (\d+)/.exec(head)?.[1];
  return answer.length >= end + 4 + Number(length ?? 0);
}
