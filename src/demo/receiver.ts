// A receiver of webhooks, as a user of Tidings would write it: it verifies each request with the library of Standard
// Webhooks and recognises repeats by their ids. It can be set to fail as real receivers do, and must lose no event by
// that.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Webhook } from "standardwebhooks";

/**
 * How a receiver fails: it is down for `down` ms from the first request on, and then fails in these ways, one after
 * another.
 */
export interface Troubles {
  down: number;
  /** `refuse`: it answers 503; `cut`: it takes the events and breaks the connection before it answers. */
  after: readonly ("refuse" | "cut")[];
}

/** The events and requests that a receiver got. */
export interface Heard {
  /** Requests that it answered or cut off, and those of them with a valid signature. */
  requests: number;
  verified: number;
  /** Requests while it was down, requests answered with 503, and requests that it took and cut off. */
  down: number;
  refused: number;
  cut: number;
  /** Events that arrived again under an id that it already had. */
  repeats: number;
  /** The events by id. */
  events: Map<string, { type: string; contact: string | null }>;
}

/** A running receiver. */
export interface Receiver {
  url: string;
  heard: Heard;
  /** Sets the secret to verify with, from the answer that created the pipe. Before that no request is accepted. */
  trust(secret: string): void;
  stop(): Promise<void>;
}

interface Payload {
  type: string;
  data: { id: string; contact: string | null };
}

/** Only every second request can fail, so that some get through in between. */
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
  /** Ids that were in a failed request: no id fails twice, because an event that fails twice waits for minutes. */
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

/** The events of a request with a valid signature; null for any other request. */
function verified(webhook: Webhook | null, { headers }: IncomingMessage, body: string): Payload[] | null {
  if (webhook === null) return null;
  try {
    const payload = webhook.verify(body, headers as Record<string, string>) as Payload | Payload[];
    return Array.isArray(payload) ? payload : [payload];
  } catch {
    return null;
  }
}
