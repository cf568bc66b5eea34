// A receiver of webhooks, as whoever gets Tidings' events would write one: it verifies each request with the library of
// Standard Webhooks and knows repeats by their ids. It may be told to fail as real ones do, which has to cost nothing.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Webhook } from "standardwebhooks";

/** How a receiver fails: it is down for `down` ms from the first request on, and then in these ways, one after the other. */
export interface Troubles {
  down: number;
  /** `refuse`: 503; `cut`: it has the events and breaks off before it says so. */
  after: readonly ("refuse" | "cut")[];
}

/** What a receiver was told. */
export interface Heard {
  /** Requests that it answered or broke off, and those of them that were signed as they have to be. */
  requests: number;
  verified: number;
  /** Requests while it was down, those answered with 503, and those that it took and broke off. */
  down: number;
  refused: number;
  cut: number;
  /** What came again under an id that was there already. */
  repeats: number;
  /** By id. */
  events: Map<string, { type: string; contact: string | null }>;
}

export interface Receiver {
  url: string;
  heard: Heard;
  /** What to verify with, as the answer that made the pipe shows it. Until then nothing is taken. */
  trust(secret: string): void;
  stop(): Promise<void>;
}

interface Payload {
  type: string;
  data: { id: string; contact: string | null };
}

/** A request is troubled only where it comes to a place in the row that is even, so that some get through between. */
const EVERY = 2;

/** Starts a receiver on a free port of this machine. */
export async function startReceiver({ down, after }: Troubles): Promise<Receiver> {
  const heard: Heard = {
    requests: 0,
    verified: 0,
    down: 0,
    refused: 0,
    cut: 0,
    repeats: 0,
    events: new Map(),
  };
  const left = [...after];
  /** Ids that met with a trouble: none does twice, for an event that fails twice waits for minutes. */
  const troubled = new Set<string>();
  let webhook: Webhook | null = null;
  let upAt: number | null = null;
  const troubleFor = (ids: readonly string[]): "down" | "refuse" | "cut" | null => {
    upAt ??= Date.now() + down;
    if (Date.now() < upAt) return "down";
    if (heard.requests % EVERY !== 0 || ids.some((id) => troubled.has(id))) return null;
    return left.shift() ?? null;
  };
  const take = (payloads: readonly Payload[]): void => {
    for (const { type, data } of payloads) {
      if (heard.events.has(data.id)) heard.repeats += 1;
      heard.events.set(data.id, { type, contact: data.contact });
    }
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const payloads = verified(webhook, request, await bodyOf(request));
    const ids = (payloads ?? []).map(({ data }) => data.id);
    const trouble = troubleFor(ids);
    if (trouble !== null) for (const id of ids) troubled.add(id);
    if (trouble === "down") {
      heard.down += 1;
      response.destroy();
      return;
    }
    heard.requests += 1;
    if (payloads === null) return void response.writeHead(401).end();
    heard.verified += 1;
    if (trouble === "refuse") {
      heard.refused += 1;
      return void response.writeHead(503).end();
    }
    take(payloads);
    if (trouble === null) return void response.writeHead(204).end();
    heard.cut += 1;
    response.destroy();
  };
  const server = createServer(
    (request, response) => void answer(request, response).catch(() => response.destroy()),
  );
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port: 0, host: "127.0.0.1" }, resolve);
  });
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no port of this machine is free");
  return {
    url: `http://127.0.0.1:${address.port}/hook`,
    heard,
    trust: (secret) => void (webhook = new Webhook(secret)),
    stop: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString("utf8");
}

/** The events of a request that proves itself; null for any other. */
function verified(webhook: Webhook | null, { headers }: IncomingMessage, body: string): Payload[] | null {
  if (webhook === null) return null;
  try {
    const told = webhook.verify(body, headers as Record<string, string>) as Payload | Payload[];
    return Array.isArray(told) ? told : [told];
  } catch {
    return null;
  }
}
