// Rooms: each test file has a receiver of its own, because files run at once, and most protocols have no place in their
// addresses by which one server could tell its visitors apart. A peer is a door, over HTTP, that opens rooms: POST /
// opens one and tells its port; then, at /<port>, PUT says how it behaves, GET tells what came, DELETE forgets it.

import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo, Server as SocketServer } from "node:net";

/** A running peer. */
export interface Peer {
  port: number;
  stop: () => Promise<void>;
}

/** An event that a peer took, in the same words for every kind; null where the protocol has no place for it. */
export interface Taken {
  id: string | null;
  type: string | null;
  attempt: string | null;
  /** By what the destination keeps an order. */
  order: string | null;
  /** The payload as JSON text. */
  text: string;
  /** As the protocol has it, for a kind's own tests. */
  raw?: unknown;
}

/** What a room tells of itself. */
export interface RoomState {
  taken: Taken[];
  /** Requests (or connections) so far, whatever became of them, and those that are open. */
  requests: number;
  open: number;
  /** What the peer itself said no to, where it was not told to. */
  refused: string[];
  /** Bytes that a flood could get rid of. */
  flooded: number;
}

export interface Room extends Peer {
  behave(behaviour: unknown): void;
  tell(): RoomState;
  forget(): void;
}

/** Starts a peer whose rooms are made by `open`. */
export async function startRooms(open: () => Promise<Room>): Promise<Peer> {
  const rooms = new Map<string, Room>();
  const serve = async (message: IncomingMessage): Promise<unknown> => {
    if (message.method === "POST") {
      const room = await open();
      rooms.set(`/${room.port}`, room);
      return { port: room.port };
    }
    const room = rooms.get(message.url ?? "");
    if (room === undefined) throw new Error("no such room");
    const body = (await readAll(message)).toString();
    if (message.method === "PUT") room.behave(JSON.parse(body));
    if (message.method === "DELETE") room.forget();
    return room.tell();
  };
  const door = createServer((message, response) => {
    serve(message).then(
      (told) => response.writeHead(200).end(JSON.stringify(told)),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  const port = await listen(door);
  const stop = async (): Promise<void> => {
    await Promise.all([stopServer(door), ...[...rooms.values()].map((room) => room.stop())]);
  };
  return { port, stop };
}

/** Listens on a free port of this machine. */
export async function listen(server: SocketServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

export async function stopServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

export async function readAll(message: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of message) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
