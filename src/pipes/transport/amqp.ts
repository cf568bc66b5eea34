// Publishing by AMQP 0-9-1 with publisher confirms: opens a connection, sends all messages, and waits for each confirm.
// The client works on node:net and node:tls, which in a Worker are the platform's own sockets, with its certificate
// checks.
// https://www.rabbitmq.com/docs/confirms, https://www.rabbitmq.com/amqp-0-9-1-reference

import { AMQPClient, type AMQPChannel } from "@cloudamqp/amqp-client";
import type { DeliveryResult } from "../kinds/kind.ts";

/** Where a broker is, and how to log in. */
export interface AmqpServer {
  host: string;
  port: number;
  tls: boolean;
  vhost: string;
  username: string;
  password: string;
}

/** A message to publish. */
export interface AmqpMessage {
  id: string;
  type: string;
  /** ms; AMQP has seconds. */
  at: number;
  /** JSON */
  text: string;
  routingKey: string;
}

/** What the broker said about a message: it has it, it refuses it, or no queue wanted it. Null if it said nothing. */
export type Fate = "acked" | "nacked" | "returned" | null;

/** Why the connection ended early. `status`: AMQP's code; null if there is none. */
export interface Ending {
  result: DeliveryResult;
  reason: string;
  status: number | null;
}

/** How long closing the connection may take, ms. By then every message is settled, so it changes nothing. */
const GOODBYE = 1000;

/**
 * Publishes persistent messages, `mandatory` so that those without a queue come back.
 * @returns the fates by place, and why there are not more of them, if so
 */
export async function publishAll(
  server: AmqpServer,
  exchange: string,
  messages: readonly AmqpMessage[],
  { id, signal }: { id: string; signal: AbortSignal },
): Promise<{ fates: Fate[]; ending: Ending | null }> {
  const fates: Fate[] = messages.map(() => null);
  const client = new AMQPClient(urlOf(server));
  const work = async (): Promise<void> => {
    await client.connect();
    const channel = await client.channel();
    const returned = new Set<string | undefined>();
    channel.onReturn = ({ properties }) => void returned.add(properties.messageId);
    await channel.confirmSelect();
    const one = async (message: AmqpMessage, place: number): Promise<void> => {
      const taken = await publish(channel, exchange, message, id);
      // A return comes before its confirm.
      fates[place] = taken && !returned.has(message.id) ? "acked" : taken ? "returned" : "nacked";
    };
    const all = await Promise.allSettled(messages.map(one));
    const failed = all.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  };
  try {
    await Promise.race([work(), blocked(client), aborted(signal)]);
    await Promise.race([
      client.close().catch(() => undefined),
      scheduler.wait(GOODBYE),
      aborted(signal).catch(() => undefined),
    ]);
    return { fates, ending: null };
  } catch (error) {
    return { fates: [...fates], ending: signal.aborted ? TOO_LATE : endingOf(error) };
  } finally {
    client.socket?.destroy();
  }
}

const TOO_LATE: Ending = { result: "unavailable", reason: "no answer within 15 seconds", status: null };

function urlOf({ host, port, tls, vhost, username, password }: AmqpServer): string {
  const [user, secret, place] = [username, password, vhost].map(encodeURIComponent);
  return `${tls ? "amqps" : "amqp"}://${user}:${secret}@${host}:${port}/${place}?name=tidings`;
}

/** Whether the broker took the message. Rejects if it said neither yes nor no. */
async function publish(
  channel: AMQPChannel,
  exchange: string,
  { id, type, at, text, routingKey }: AmqpMessage,
  attempt: string,
): Promise<boolean> {
  const properties = {
    contentType: "application/json",
    deliveryMode: 2,
    messageId: id,
    type,
    timestamp: new Date(at),
    headers: { "tidings-attempt": attempt },
  };
  try {
    await channel.basicPublish(exchange, routingKey, text, properties, true);
    return true;
  } catch (error) {
    if (error instanceof Error && error.message === "Message rejected") return false; // a nack, in the client's words
    throw error;
  }
}

class Blocked extends Error {}

/** Rejects when the broker reports that it has no memory or disk left. */
function blocked(client: AMQPClient): Promise<never> {
  return new Promise((_, reject) => {
    client.onblocked = () => reject(new Blocked());
  });
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = (): void => reject(new Error("aborted"));
    if (signal.aborted) end();
    signal.addEventListener("abort", end, { once: true });
  });
}

/** What AMQP's codes mean for messages that are not settled. Other codes are problems of the broker. */
const RESULTS: Readonly<Record<number, DeliveryResult>> = {
  311: "refused", // content too large
  402: "denied", // no such virtual host
  403: "denied", // wrong password, or may not write there
  404: "denied", // no such exchange
  406: "refused", // message size is larger than configured
  530: "denied", // may not use the virtual host, or there is none
  540: "denied", // not implemented
};

/**
 * Tells by the client's words how the broker ended the channel or the connection: "channel 1 closed: NOT_FOUND - ...
 * (404)".
 */
function endingOf(error: unknown): Ending {
  if (error instanceof Blocked) {
    return {
      result: "slow_down",
      reason: "the broker takes nothing at the moment: its memory or disk is full",
      status: null,
    };
  }
  const text = error instanceof Error ? error.message : "";
  const closed = /closed: ([A-Z_]{1,40})\b.*\((\d{3})\)$/s.exec(text);
  if (closed === null) return { result: "unavailable", reason: `no answer: ${plainly(text)}`, status: null };
  const [, word = "", code = ""] = closed;
  const reason = `answered ${code} ${word}`;
  if (/limit .{0,40}reached/.test(text))
    return { result: "slow_down", reason: `${reason}: too many connections`, status: Number(code) };
  return { result: RESULTS[Number(code)] ?? "unavailable", reason, status: Number(code) };
}

/** The system's error code of a connection, and nothing that a broker may have said. */
function plainly(text: string): string {
  if (/ECONNREFUSED|cannot connect/.test(text)) return "it cannot be connected to";
  if (/TLS|certificate/i.test(text)) return "no connection by TLS";
  return /ended|closed|ECONNRESET|lost/i.test(text) ? "the connection ended" : "it does not speak AMQP 0-9-1";
}
