// A broker for publishers, strict where RabbitMQ is, that fails as its user and queues are called: to be quick where
// the real one (rabbitmq.ts) takes seconds, and to do what that one cannot be brought to.

import type { Socket } from "node:net";
import {
  frame,
  longText,
  method,
  reader,
  shortText,
  takeFrames,
  u16,
  u32,
  u64,
  u8,
  type Frame,
} from "./amqp-frames.ts";
import { BROKER_PASSWORD } from "./known.ts";

/** A message as it came. */
export interface Published {
  exchange: string;
  routingKey: string;
  properties: Record<string, unknown>;
  body: string;
}

const FRAME_MAX = 131_072;
/** Bytes of a message that the queue `small` takes. */
const SMALL = 1000;
const EXCHANGES = new Set(["", "events"]);

interface Connection {
  socket: Socket;
  step: "header" | "start" | "tune" | "open" | "channel" | "select" | "publish" | "closed";
  user: string;
  frameMax: number;
  tag: number;
  message: (Published & { size: number; parts: Buffer[] }) | null;
  confirms: { tag: number; ack: boolean }[];
  silent: boolean;
}

/** Speaks with one client. `tell` hears of each message that was taken. */
export function serve(socket: Socket, tell: (one: Published) => void): void {
  const base = { step: "header", user: "", frameMax: FRAME_MAX, tag: 0, message: null } as const;
  const connection: Connection = { socket, ...base, confirms: [], silent: false };
  let rest: Buffer = Buffer.alloc(0);
  const hear = (bytes: Buffer): void => {
    try {
      rest = Buffer.concat([rest, bytes]);
      if (connection.step === "header") {
        if (rest.length < 8) return;
        if (!rest.subarray(0, 8).equals(Buffer.from([65, 77, 81, 80, 0, 0, 9, 1])))
          throw new Error("no AMQP 0-9-1");
        rest = rest.subarray(8);
        connection.step = "start";
        socket.write(method(0, 10, 10, u8(0), u8(9), u32(0), longText("PLAIN AMQPLAIN"), longText("en_US")));
      }
      const taken = takeFrames(rest, connection.frameMax);
      rest = taken.rest;
      for (const one of taken.frames) answer(connection, one, tell);
    } catch (error) {
      close(connection, error instanceof Error ? error.message : String(error));
    }
  };
  socket.on("data", hear);
}

/** Ends the connection: "403 ACCESS_REFUSED - words". */
function close(connection: Connection, text: string): void {
  connection.step = "closed";
  connection.socket.write(
    method(0, 10, 50, u16(Number.parseInt(text, 10) || 501), shortText(text.slice(4)), u16(0), u16(0)),
  );
}

function answer(
  connection: Connection,
  { type, channel, payload }: Frame,
  tell: (one: Published) => void,
): void {
  const { socket, step } = connection;
  if (type === 2) return header(connection, payload, tell);
  if (type === 3) return body(connection, payload, tell);
  const read = reader(payload);
  const name = `${read.u16()}.${read.u16()}`;
  const expect = (wanted: Connection["step"]): void => {
    if (
      step !== wanted ||
      channel !== (wanted === "select" || wanted === "publish" || wanted === "channel" ? 1 : 0)
    ) {
      throw new Error(`503 COMMAND_INVALID - ${name} while ${step}`);
    }
  };
  switch (name) {
    case "10.11":
      expect("start");
      return login(connection, read);
    case "10.31": {
      expect("tune");
      read.u16();
      connection.frameMax = read.u32();
      if (connection.frameMax < 4096 || connection.frameMax > FRAME_MAX)
        throw new Error("530 NOT_ALLOWED - frame_max");
      connection.step = "open";
      return;
    }
    case "10.40": {
      expect("open");
      const vhost = read.shortText();
      if (vhost === "crowded")
        throw new Error("530 NOT_ALLOWED - access to vhost refused: connection limit (5) is reached");
      if (vhost !== "mail/eu") throw new Error(`530 NOT_ALLOWED - vhost ${vhost} not found`);
      connection.step = "channel";
      return void socket.write(method(0, 10, 41, shortText("")));
    }
    case "20.10":
      expect("channel");
      connection.step = "select";
      return void socket.write(method(1, 20, 11, longText("")));
    case "85.10":
      expect("select");
      connection.step = "publish";
      socket.write(method(1, 85, 11));
      if (connection.user === "full") socket.write(method(0, 10, 60, shortText("low on disk")));
      return;
    case "60.40": {
      expect("publish");
      if (read.u16() !== 0) throw new Error("503 COMMAND_INVALID - a reserved field");
      const message = {
        exchange: read.shortText(),
        routingKey: read.shortText(),
        properties: {},
        body: "",
        size: 0,
        parts: [],
      };
      if (read.u8() !== 1) throw new Error("503 COMMAND_INVALID - not mandatory");
      connection.message = message;
      return;
    }
    case "10.50":
      socket.write(method(0, 10, 51));
      return void socket.end();
    case "10.51":
      return void socket.end();
    case "20.41":
      return;
    default:
      throw new Error(`540 NOT_IMPLEMENTED - ${name}`);
  }
}

function login(connection: Connection, read: ReturnType<typeof reader>): void {
  const { socket } = connection;
  read.skipTable();
  const mechanism = read.shortText();
  const [authorization, user = "", password] = read.longText().split("\0");
  if (mechanism !== "PLAIN" || authorization !== "" || password !== BROKER_PASSWORD) {
    throw new Error("403 ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN");
  }
  connection.user = user;
  connection.step = "tune";
  if (user === "hang") return;
  if (user === "cut") return void socket.destroy();
  if (user === "garbage") return void socket.write("HTTP/1.1 400 Bad Request\r\n\r\n".repeat(1000));
  if (user === "stopping")
    throw new Error("320 CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'");
  socket.write(method(0, 10, 30, u16(2047), u32(FRAME_MAX), u16(60)));
}

/** In the order of their flags, from bit 15. */
const PROPERTIES = [
  "content_type",
  "content_encoding",
  "headers",
  "delivery_mode",
  "priority",
  "correlation_id",
  "reply_to",
];
const MORE = ["expiration", "message_id", "timestamp", "type", "user_id", "app_id"];

function header(connection: Connection, payload: Buffer, tell: (one: Published) => void): void {
  const { message } = connection;
  if (message === null) throw new Error("505 UNEXPECTED_FRAME - a header without a method");
  const read = reader(payload);
  if (read.u16() !== 60 || read.u16() !== 0) throw new Error("501 FRAME_ERROR - not of basic");
  message.size = read.u64();
  const flags = read.u16();
  for (const [place, name] of [...PROPERTIES, ...MORE].entries()) {
    if ((flags & (0x8000 >> place)) === 0) continue;
    if (name === "headers") message.properties[name] = read.table();
    else if (name === "delivery_mode" || name === "priority") message.properties[name] = read.u8();
    else if (name === "timestamp") message.properties[name] = read.u64();
    else message.properties[name] = read.shortText();
  }
  if (!read.ended()) throw new Error("501 FRAME_ERROR - more than the properties");
  if (message.size === 0) take(connection, tell);
}

function body(connection: Connection, payload: Buffer, tell: (one: Published) => void): void {
  const { message } = connection;
  if (message === null) throw new Error("505 UNEXPECTED_FRAME - a body without a method");
  message.parts.push(Buffer.from(payload));
  if (message.parts.reduce((sum, part) => sum + part.length, 0) >= message.size) take(connection, tell);
}

/** A whole message: what becomes of it is in the name of its queue. */
function take(connection: Connection, tell: (one: Published) => void): void {
  const { socket, message } = connection;
  if (message === null || connection.step !== "publish") return;
  connection.message = null;
  const { exchange, routingKey, properties, size, parts } = message;
  const tag = ++connection.tag;
  const closeChannel = (code: number, text: string): void => {
    connection.step = "closed";
    socket.write(method(1, 20, 40, u16(code), shortText(text), u16(60), u16(40)));
  };
  if (!EXCHANGES.has(exchange))
    return closeChannel(404, `NOT_FOUND - no exchange '${exchange}' in vhost 'mail/eu'`);
  if (routingKey === "small" && size > SMALL) {
    return closeChannel(
      406,
      `PRECONDITION_FAILED - message size ${size} is larger than configured max size ${SMALL}`,
    );
  }
  if (routingKey === "forbidden")
    return closeChannel(403, "ACCESS_REFUSED - write access refused for user ann@example.com");
  if (routingKey === "silent") {
    connection.silent = true;
    return;
  }
  if (routingKey === "nowhere") {
    const words = [u16(312), shortText("NO_ROUTE"), shortText(exchange), shortText(routingKey)];
    const content = frame(
      2,
      1,
      u16(60),
      u16(0),
      u64(size),
      u16(0x0080),
      shortText(String(properties["message_id"])),
    );
    socket.write(Buffer.concat([method(1, 60, 50, ...words), content, frame(3, 1, ...parts)]));
  } else if (routingKey !== "full") {
    tell({ exchange, routingKey, properties, body: Buffer.concat(parts).toString() });
  }
  if (connection.confirms.push({ tag, ack: routingKey !== "full" }) === 1)
    setImmediate(() => confirm(connection));
}

/** Confirms several at once where they are in a row, as brokers do. */
function confirm(connection: Connection): void {
  const { confirms, socket, silent } = connection;
  connection.confirms = [];
  for (const [place, { tag, ack }] of confirms.entries()) {
    const next = confirms[place + 1];
    if (!silent && ack && next?.ack === true) continue;
    const before = confirms[place - 1];
    const multiple = !silent && ack && before?.ack === true;
    socket.write(method(1, 60, ack ? 80 : 120, u64(tag), u8(multiple ? 1 : 0)));
  }
}
