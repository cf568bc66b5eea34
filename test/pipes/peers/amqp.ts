// Rooms of a broker for publishers (amqp-broker.ts): what a client is called and publishes to decides what becomes of
// it, so that there is nothing to tell a room.

import { createServer, type Socket } from "node:net";
import { serve, type Published } from "./amqp-broker.ts";
import { listen, startRooms, type Peer, type Room, type Taken } from "./rooms.ts";

export const start = (): Promise<Peer> => startRooms(openRoom);

async function openRoom(): Promise<Room> {
  let taken: Taken[] = [];
  let requests = 0;
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    requests++;
    open.add(socket);
    socket.once("close", () => open.delete(socket));
    socket.on("error", () => undefined); // cut connections are what some tests are about
    serve(socket, (one) => taken.push(takenOf(one)));
  });
  const port = await listen(server);
  const leave = (): void => {
    for (const socket of open) socket.destroy();
  };
  return {
    port,
    stop: async () => {
      leave();
      await new Promise((resolve) => server.close(resolve));
    },
    behave: () => {
      throw new Error("a broker is told by its user and its queues how to behave");
    },
    tell: () => ({ taken, requests, open: open.size, refused: [], flooded: 0 }),
    forget: () => {
      leave();
      [taken, requests] = [[], 0];
    },
  };
}

function takenOf({ exchange, routingKey, properties, body }: Published): Taken {
  const { message_id, type, headers } = properties;
  const { "tidings-attempt": attempt } = (headers ?? {}) as Record<string, unknown>;
  const named = (value: unknown): string | null => (typeof value === "string" ? value : null);
  return {
    id: named(message_id),
    type: named(type),
    attempt: named(attempt),
    order: null,
    text: body,
    raw: { exchange, routingKey, properties },
  };
}
