// Written HTTP peers for conversations of several requests: they keep what they got for the test to read, and fail in the
// ways and in the order that it asks for.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Peer } from "./peers.ts";

export interface Received {
  method: string;
  /** With its query. */
  path: string;
  headers: Record<string, string>;
  body: string;
}

export interface Reply {
  status: number;
  headers?: Record<string, string>;
  /** Text as it is, anything else as JSON. */
  body?: unknown;
}

/** What becomes of the next request instead of an answer of the peer's own. `null`: nothing, this one is answered. */
export type Fault = Reply | "hang" | "cut" | null;

/**
 * Starts a peer. Beside what `answer` serves there are
 * - `POST /_/faults` with a JSON list of faults, for the next requests in turn,
 * - `GET /_/received`: what came in since the last time, and how many requests hang at this moment.
 */
export async function startScriptedPeer(answer: (received: Received) => Reply): Promise<Peer> {
  let faults: Fault[] = [];
  let received: Received[] = [];
  const hanging = new Set<Socket>();
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const one = await read(request);
    if (one.path === "/_/faults") {
      faults = JSON.parse(one.body) as Fault[];
      return send(response, { status: 204 });
    }
    if (one.path === "/_/received") {
      const body = { received, hanging: hanging.size };
      received = [];
      return send(response, { status: 200, body });
    }
    received.push(one);
    const fault = faults.shift() ?? null;
    if (fault === "cut") return void request.socket.destroy();
    if (fault === "hang") {
      hanging.add(request.socket);
      request.socket.once("close", () => hanging.delete(request.socket));
      return;
    }
    send(response, fault ?? answer(one));
  };
  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      send(response, { status: 599, body: `the peer broke: ${String(error)}` });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { port: (server.address() as AddressInfo).port, stop };
}

async function read(request: IncomingMessage): Promise<Received> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
  );
  return {
    method: request.method ?? "",
    path: request.url ?? "",
    headers,
    body: Buffer.concat(parts).toString(),
  };
}

function send(response: ServerResponse, { status, headers = {}, body = "" }: Reply): void {
  if (typeof body === "string") response.writeHead(status, headers).end(body);
  else
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}
