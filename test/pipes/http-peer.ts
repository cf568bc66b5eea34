// What peers that speak HTTP have in common: rooms, so that suites that run at once share one without hearing of each
// other, control by HTTP, and every way to fail below the protocol's own.
//
// Destination: http://127.0.0.1:<port>/<room>/...   Control: /control/<room> (PUT: behave, GET: tell, DELETE: forget).

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import type { Peer } from "./peers.ts";

/** A request, read to its end. */
export interface PeerRequest {
  method: string;
  /** Path and query behind the room. */
  path: string;
  headers: Record<string, string>;
  body: Buffer;
}

/** An event that the peer took: what suites compare with what was sent. */
export interface Taken {
  id: string;
  attempt: string;
  /** The payload as JSON text. */
  text: string;
}

export interface PeerAnswer {
  status: number;
  headers?: Record<string, string>;
  body?: string;
  /** What the peer took with this request. */
  taken?: Taken[];
}

/**
 * How a room behaves; the rest of it is the peer's own.
 * - `answer`: instead of the peer's own
 * - `delay`: ms before the answer
 * - `fault`: `hang`: no answer; `cut`: the connection ends before it; `cut_body`: within it; `hang_body`: the answer begins
 *   and never ends; `flood`: it never stops coming; `echo`: 200 with all of the request
 */
export interface Behaviour {
  answer?: { status: number; headers?: Record<string, string>; body?: string };
  delay?: number;
  fault?: "hang" | "cut" | "cut_body" | "hang_body" | "flood" | "echo";
  [setting: string]: unknown;
}

/** What control tells of a room. */
export interface RoomState {
  taken: Taken[];
  /** Requests so far, whatever became of them, and those that are open. */
  requests: number;
  open: number;
  /** Bytes that a flood could get rid of. */
  flooded: number;
}

interface Room {
  behaviour: Behaviour;
  requests: number;
  taken: Taken[];
  flooded: number;
  open: Set<ServerResponse>;
}

/** Starts a peer. `answer` is its protocol: what it does with a request where it is not told otherwise. */
export async function startHttpPeer(
  answer: (request: PeerRequest, behaviour: Behaviour) => PeerAnswer | Promise<PeerAnswer>,
): Promise<Peer> {
  const rooms = new Map<string, Room>();
  const roomOf = (name: string): Room => {
    const room = rooms.get(name) ?? { behaviour: {}, requests: 0, taken: [], flooded: 0, open: new Set() };
    rooms.set(name, room);
    return room;
  };

  const serve = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [, first = "", ...rest] = (message.url ?? "/").split("/");
    if (first === "control") return await control(roomOf(rest[0] ?? ""), message, response);
    const room = roomOf(first);
    room.requests++;
    room.open.add(response);
    response.once("close", () => room.open.delete(response));
    const request = await readRequest(message, `/${rest.join("/")}`);
    const { behaviour } = room;
    if (behaviour.delay !== undefined) await wait(behaviour.delay);
    if (behaviour.fault !== undefined) return await fail(behaviour.fault, request, response, room);
    const given: PeerAnswer = behaviour.answer ?? (await answer(request, behaviour));
    room.taken.push(...(given.taken ?? []));
    response.writeHead(given.status, given.headers).end(given.body);
  };

  const server = createServer((message, response) => {
    serve(message, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500);
      response.end(String(error)); // seen by the test, as an answer that it did not expect
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { port: (server.address() as AddressInfo).port, stop };
}

async function control(room: Room, message: IncomingMessage, response: ServerResponse): Promise<void> {
  const { body } = await readRequest(message, "");
  if (message.method === "PUT") room.behaviour = JSON.parse(body.toString()) as Behaviour;
  if (message.method === "DELETE") {
    for (const open of room.open) open.destroy();
    Object.assign(room, { behaviour: {}, requests: 0, taken: [], flooded: 0 });
  }
  const { taken, requests, open, flooded } = room;
  response.writeHead(200, { "content-type": "application/json" });
  const state: RoomState = { taken, requests, open: open.size, flooded };
  response.end(JSON.stringify(state));
}

async function readRequest(message: IncomingMessage, path: string): Promise<PeerRequest> {
  const parts: Buffer[] = [];
  for await (const part of message) parts.push(part as Buffer);
  const headers = Object.entries(message.headers).map(([name, value]) => [name, String(value)]);
  return {
    method: message.method ?? "",
    path,
    headers: Object.fromEntries(headers) as Record<string, string>,
    body: Buffer.concat(parts),
  };
}

async function fail(
  fault: NonNullable<Behaviour["fault"]>,
  { method, path, headers, body }: PeerRequest,
  response: ServerResponse,
  room: Room,
): Promise<void> {
  switch (fault) {
    case "hang":
      return;
    case "cut":
      response.destroy();
      return;
    case "cut_body":
      response.writeHead(200, { "content-length": "1000" });
      response.write("begun", () => response.destroy());
      return;
    case "hang_body":
      response.writeHead(200).write("begun");
      return;
    case "echo": {
      const told = { method, path, headers, body: body.toString() };
      const lines = Object.values(headers).join("\n");
      response.writeHead(200, { "x-echo": encodeURIComponent(lines), "set-cookie": "session=abc" });
      response.end(`${JSON.stringify(told)}\n${lines}`);
      return;
    }
    case "flood":
      await flood(response, room);
  }
}

/** Writes without end, no faster than it is read, until the other side has enough. */
async function flood(response: ServerResponse, room: Room): Promise<void> {
  const part = Buffer.alloc(64 * 1024, "flood ");
  const left = new AbortController();
  response.once("close", () => left.abort());
  response.writeHead(200);
  while (!response.destroyed) {
    const more = response.write(part);
    room.flooded += part.length;
    if (!more) await once(response, "drain", { signal: left.signal }).catch(() => undefined);
  }
}
