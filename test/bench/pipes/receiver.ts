// Where the pipes of the benchmark lead: HTTP servers on loopback, in this process, that take events at once or after a
// while, and such as are dead in one way or the other.

import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from "node:http";
import { createServer as createTcpServer, type Server as TcpServer, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { DatabaseSync } from "node:sqlite";
import { Webhook } from "standardwebhooks";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeExit } from "../../../src/local/shutdown.ts";
import { within } from "../../../src/model/deadline.ts";

/** A request as it came, and when: ms since the epoch, with fractions. */
export interface Taken {
  headers: IncomingHttpHeaders;
  body: Buffer;
  at: number;
}

export interface Receiver {
  url: string;
  /** Requests so far. */
  requests(): number;
  /** The latest request; null before the first one. */
  latest(): Taken | null;
  /** Times some requests: resolves with the ms from the end of the first `skip` of them to the end of `count` more. */
  time(skip: number, count: number): Promise<number>;
  /** Resolves when nothing has come for a while. */
  still(): Promise<void>;
  stop(): Promise<void>;
}

export interface Manner {
  /** ms from the request's end to its answer. */
  delay?: number;
  status?: number;
  /** Hears of each request, before it is answered. */
  take?: (taken: Taken) => void;
}

/** What a receiver does with events at the very least: it verifies the signature, parses, and stores each under its id. */
export function storing(signingSecret: string): (taken: Taken) => void {
  const webhook = new Webhook(signingSecret);
  const database = new DatabaseSync(":memory:");
  database.exec("CREATE TABLE events (id TEXT PRIMARY KEY, type TEXT, at TEXT, data TEXT) WITHOUT ROWID");
  const insert = database.prepare("INSERT OR REPLACE INTO events VALUES (?, ?, ?, ?)");
  return ({ headers, body }) => {
    const events = webhook.verify(body, headers as Record<string, string>) as Received | Received[];
    database.exec("BEGIN");
    for (const { type, timestamp, data } of Array.isArray(events) ? events : [events])
      insert.run(data.id, type, timestamp, JSON.stringify(data));
    database.exec("COMMIT");
  };
}

interface Received {
  type: string;
  timestamp: string;
  data: { id: string };
}

const STILL = 400; // ms
const LONGEST = 120_000; // ms

/** A receiver that answers everything in the same manner. */
export async function startReceiver({ delay = 0, status = 204, take }: Manner = {}): Promise<Receiver> {
  let requests = 0;
  let latest: Taken | null = null;
  let timing: { from: number; to: number; began: number; done(ms: number): void } | null = null;
  const answer = (response: ServerResponse): void => void response.writeHead(status).end();
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const now = performance.now();
      latest = { headers: request.headers, body: Buffer.concat(parts), at: performance.timeOrigin + now };
      requests += 1;
      take?.(latest);
      if (timing?.from === requests) timing.began = now;
      if (timing?.to === requests) {
        timing.done(now - timing.began);
        timing = null;
      }
      if (delay === 0) answer(response);
      else setTimeout(answer, delay, response);
    });
  });
  const url = await listen(server);
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await closed(server);
  };
  beforeExit(stop);
  return {
    url,
    requests: () => requests,
    latest: () => latest,
    time: async (skip, count) => {
      const timed = new Promise<number>((done) => {
        timing = { from: requests + skip, to: requests + skip + count, began: 0, done };
      });
      return await within(LONGEST, "whoever sends", timed);
    },
    still: async () => {
      for (let before = -1; before !== requests; await sleep(STILL)) before = requests;
    },
    stop,
  };
}

/** The URL of a destination that takes connections and requests, and never answers. */
export async function startHanging(): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    socket.resume();
  });
  beforeExit(async () => {
    for (const socket of sockets) socket.destroy();
    await closed(server);
  });
  return await listen(server);
}

/** The URL of a destination that refuses connections. */
export async function refusing(): Promise<string> {
  const server = createTcpServer();
  const url = await listen(server);
  await closed(server);
  return url;
}

async function listen(server: Server | TcpServer): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks`;
}

async function closed(server: Server | TcpServer): Promise<void> {
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
