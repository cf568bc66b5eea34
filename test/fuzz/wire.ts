// A request as the bytes that are sent over the connection.

import { createHmac } from "node:crypto";
import { LETTERMINT_KEY } from "./settings.ts";
import type { FuzzRequest } from "./types.ts";

const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");

/** The headers as they are sent. `now`: ms, for a signature. */
export function headersOf(request: FuzzRequest, now: number): [string, string][] {
  const { headers, body, framing, sign } = request;
  const signed: [string, string][] = sign === null ? [] : [["x-lettermint-signature", signature(body, now)]];
  return [...headers, ...signed, ...(framing === "length" ? [lengthOf(body)] : [])];
}

function lengthOf(body: Buffer): [string, string] {
  return ["content-length", String(body.length)];
}

function signature(body: Buffer, now: number): string {
  const time = Math.floor(now / 1000);
  return `t=${time},v1=${createHmac("sha256", LETTERMINT_KEY).update(`${time}.`).update(body).digest("hex")}`;
}

/** All bytes of the request and of those that follow on the same connection. `now`: ms. */
export function bytesOf(request: FuzzRequest, now: number): Buffer {
  const { method, target, version, framing, body, pipeline } = request;
  const headers = headersOf(request, now);
  if (!headers.some(([name]) => name.toLowerCase() === "host")) headers.unshift(["host", "localhost"]);
  if (typeof framing === "object") headers.push(["transfer-encoding", "chunked"]);
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const whole = [latin1(`${method} ${target} ${version}\r\n${lines}\r\n`), ...bodyOf(framing, body)];
  return Buffer.concat([...whole, ...pipeline.map((next) => bytesOf(next, now))]);
}

function bodyOf(framing: FuzzRequest["framing"], body: Buffer): Buffer[] {
  if (typeof framing !== "object") return [body];
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; at += framing.chunk) {
    const chunk = body.subarray(at, at + framing.chunk);
    parts.push(latin1(`${chunk.length.toString(16)}\r\n`), chunk, latin1("\r\n"));
  }
  const trailers = framing.trailers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return [...parts, latin1(`0\r\n${trailers}\r\n`)];
}
