// A destination in Node for the tests of a kind: an HTTP server on a free port of this machine that can be told to fail in
// every way, and be asked what arrived. The kind's own peer says what a request must look like.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A message as a receiver gets it, in the same words for every kind; null where the protocol has no place for it. */
export interface Arrived {
  id: string | null;
  type: string | null;
  attempt: string | null;
  /** By what the destination keeps an order. */
  order: string | null;
  text: string;
}

export interface Received {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: Record<string, string>;
  body: string;
}

/** What the peer is to do with the next request, after it was checked. */
export interface Told {
  /** Leaves the request without an answer, ends the connection without one, or answers without end. */
  mode?: "hang" | "cut" | "flood";
  status?: number;
  headers?: Record<string, string>;
  body?: string;
  /** Where the protocol answers item by item: what to answer for those at these indexes. */
  items?: Record<string, string>;
}

export interface Reply {
  status: number;
  headers?: Record<string, string>;
  body: string;
  arrived?: Arrived[];
}

export interface Peer {
  port: number;
  stop(): Promise<void>;
}

/** Starts a peer. `answer` checks a request strictly and answers as the real destination does. */
export async function startPeer(
  answer: (request: Received, items: Record<string, string>) => Reply,
): Promise<Peer> {
  let told: Told | null = null;
  let seen: { requests: number; refused: string[]; arrived: Arrived[] } = {
    requests: 0,
    refused: [],
    arrived: [],
  };
  let open = 0;

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://peer");
    const body = await read(request);
    const say = ({ status, headers = {}, body: text }: Reply): void =>
      void response.writeHead(status, headers).end(text);
    if (url.pathname === "/-/tell") {
      told = JSON.parse(body) as Told;
      return say({ status: 200, body: "" });
    }
    if (url.pathname === "/-/seen") {
      say({ status: 200, body: JSON.stringify({ ...seen, open }) });
      if (request.method === "POST") [seen, told] = [{ requests: 0, refused: [], arrived: [] }, null];
      return;
    }
    const next = told;
    told = null;
    seen.requests++;
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    );
    const received = {
      method: request.method ?? "",
      path: url.pathname,
      query: url.searchParams,
      headers,
      body,
    };
    const reply = answer(received, next?.items ?? {});
    if (reply.status >= 300) seen.refused.push(`${reply.status} ${reply.body}`);
    if (next?.mode === "hang" || next?.mode === "flood") {
      open++;
      response.once("close", () => open--);
      return next.mode === "flood" ? flood(response) : undefined;
    }
    if (next?.mode === "cut") return void request.socket.destroy();
    if (next?.status !== undefined) {
      return say({ status: next.status, headers: next.headers ?? {}, body: next.body ?? "" });
    }
    seen.arrived.push(...(reply.arrived ?? []));
    say(reply);
  }

  const server = createServer((request, response) => {
    take(request, response).catch((error: unknown) => {
      seen.refused.push(String(error));
      response.writeHead(500).end(String(error));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function read(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString("utf8");
}

function flood(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "application/json" });
  const more = (): void => {
    while (!response.destroyed && response.write("x".repeat(65_536)));
  };
  response.on("drain", more);
  more();
}
