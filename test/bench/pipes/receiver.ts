// Where the pipes of the benchmark lead: HTTP servers on loopback, in this process, that take events at once or after a
// while, and such as are dead in one way or the other.

import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { DatabaseSync } from "node:sqlite";
import { Webhook } from "standardwebhooks";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeExit } from "../../../src/cli/shutdown.ts";
import { within } from "../../../src/lib/deadline.ts";

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
  /** Hears of each request, before it is answered. */
  take?: (taken: Taken) => void;
  /** Whether the request counts; all do if left out. */
  isNew?: (taken: Taken) => boolean;
  /** What it is answered; 204 if left out. */
  status?: (taken: Taken) => number;
}

/**
 * What a receiver does with events at the very least: it verifies the signature, parses, and stores each. Whatever it gets
 * is new to it, for it is the speed that is asked for; `empty` forgets it all.
 */
export function makeStore(signingSecret: string): { take(taken: Taken): void; empty(): void } {
  const webhook = new Webhook(signingSecret);
  const database = new DatabaseSync(":memory:");
  database.exec("CREATE TABLE events (id TEXT PRIMARY KEY, type TEXT, at TEXT, data TEXT) WITHOUT ROWID");
  const insert = database.prepare("INSERT INTO events VALUES (?, ?, ?, ?)");
  let count = 0;
  return {
    take: ({ headers, body }) => {
      const events = webhook.verify(body, headers as Record<string, string>) as Received | Received[];
      database.exec("BEGIN");
      for (const { type, timestamp, data } of Array.isArray(events) ? events : [events])
        insert.run(
          `${String((count += 1)).padStart(12, "0")} ${data.id}`,
          type,
          timestamp,
          JSON.stringify(data),
        );
      database.exec("COMMIT");
    },
    empty: () => database.exec("DELETE FROM events"),
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
export async function startReceiver({ delay = 0, take, isNew, status }: Manner = {}): Promise<Receiver> {
  let requests = 0;
  let latest: Taken | null = null;
  let timing: { from: number; to: number; began: number; done(ms: number): void } | null = null;
  const answer = (response: ServerResponse, code: number): void => void response.writeHead(code).end();
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const now = performance.now();
      latest = { headers: request.headers, body: Buffer.concat(parts), at: performance.timeOrigin + now };
      const counts = isNew?.(latest) ?? true;
      if (counts) requests += 1;
      take?.(latest);
      if (counts && timing?.from === requests) timing.began = now;
      if (counts && timing?.to === requests) {
        timing.done(now - timing.began);
        timing = null;
      }
      const code = status?.(latest) ?? 204;
      if (delay === 0) answer(response, code);
      else setTimeout(answer, delay, response, code);
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

/** Ways to be dead: no connection, no answer, 503. */
export type Death = "refuses" | "hangs" | "fails";

export interface Mortal {
  url: string;
  die(death: Death): Promise<void>;
  /** Takes everything again, under the same URL. */
  revive(): Promise<void>;
}

/** A destination that takes everything until it dies. */
export async function startMortal(): Promise<Mortal> {
  let dead: Death | null = null;
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      if (dead !== "hangs") response.writeHead(dead === "fails" ? 503 : 204).end();
    });
  });
  const url = await listen(server);
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    if (server.listening) await closed(server);
  };
  beforeExit(close);
  return {
    url,
    die: async (death) => {
      dead = death;
      if (death === "refuses") await close();
    },
    revive: async () => {
      dead = null;
      server.closeAllConnections(); // those that hang
      if (!server.listening)
        await new Promise<void>((resolve) => server.listen(Number(new URL(url).port), "127.0.0.1", resolve));
    },
  };
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks`;
}

async function closed(server: Server): Promise<void> {
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
