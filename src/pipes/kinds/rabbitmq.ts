// RabbitMQ, and other brokers that speak AMQP 0-9-1. An event is a persistent message, and counts as delivered only
// once the broker confirms it. Each attempt opens a connection, because a Worker's sockets do not outlive the call that
// opened them.

import * as z from "zod";
import { publishAll, type Ending, type Fate } from "../transport/amqp.ts";
import { isLocal } from "../transport/destination-url.ts";
import { refusalOf } from "../transport/http.ts";
import { textOf } from "../../lib/json.ts";
import { bytesOf, outcomeOfItems, type ItemFailure } from "../transport/batches.ts";
import type { Attempt, Kind, Outcome, Outgoing } from "./kind.ts";

/** The most bytes of names and properties in AMQP. */
const SHORT = 255;
/**
 * Bytes of a message that RabbitMQ takes unless it is told otherwise:
 * https://www.rabbitmq.com/docs/configure#max_message_size
 */
const LARGEST = 16 * 1024 * 1024;

const short = z
  .string("must be a text")
  .refine((text) => bytesOf(text) <= SHORT, "must have at most 255 bytes");
const HOST = "must be a host's name or an IPv4 address";

const Settings = z
  .strictObject({
    host: z
      .string(HOST)
      .regex(/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/, HOST)
      .refine((host) => URL.canParse(`https://${host}`), HOST)
      .meta({ examples: ["rabbit.example.com"] }),
    port: z
      .int("must be a port")
      .min(1, "must be a port")
      .max(65_535, "must be a port")
      .optional()
      .meta({ description: "5671 if left out; 5672 without TLS" }),
    tls: z
      .boolean("must be true or false")
      .default(true)
      .meta({ description: "false only for this machine" }),
    vhost: short.min(1, "must be a virtual host").default("/"),
    username: short.min(1, "must be a user"),
    password: z
      .string("must be a password")
      .min(1, "must be a password")
      .max(4000, "must have at most 4,000 characters"),
    exchange: short
      .default("")
      .meta({ description: "Empty for the default one, which leads to a queue by its name" }),
    routing_key: short
      .refine(
        (key) => !/[{}]/.test(key.replaceAll(/\{(type|source)\}/g, "")),
        "may hold {type} and {source}, and no other braces",
      )
      .default("")
      .meta({ description: "Fixed text, {type} and {source}", examples: ["email.{source}.{type}"] }),
  })
  .refine(({ tls, host }) => tls || isLocal(`https://${host}`), {
    path: ["tls"],
    message: "must be true but for a broker on this machine",
  })
  .refine(({ exchange, routing_key }) => exchange !== "" || routing_key !== "", {
    path: ["routing_key"],
    message: "must name the queue where there is no exchange",
  });
type Settings = z.output<typeof Settings>;

/** RabbitMQ. */
export const rabbitmq: Kind<Settings> = {
  id: "rabbitmq",
  title: "RabbitMQ: a persistent message for each event, by AMQP 0-9-1",
  settings: Settings,
  secrets: ["password"],
  endpoints: ["host", "port", "tls"],
  batch: { events: 100, bytes: 4_000_000 },
  deliver,
};

type Routed = Outgoing & { index: number; routingKey: string };

async function deliver(batch: readonly Outgoing[], settings: Settings, attempt: Attempt): Promise<Outcome> {
  const refusal = refusalOf(`https://${settings.host}`, attempt.loopback);
  if (refusal !== null) {
    return { result: "denied", reason: `the host ${refusal}`, status: null, retryAfter: null };
  }
  const all = batch.map((one, index) => ({
    ...one,
    index,
    routingKey: routingKeyOf(settings.routing_key, one),
  }));
  const refused = all.flatMap((one) => refusedAtHome(one) ?? []);
  const messages = all.filter(({ index }) => refused.every((one) => one.index !== index));
  const nothing = { status: null, retryAfter: null };
  if (messages.length === 0) return outcomeOfItems(batch.length, refused, nothing);
  const { fates, ending } = await send(messages, settings, attempt);
  const failed = [...refused, ...failuresOf(messages, fates, ending)];
  // AMQP has a code for success, too: 200.
  const status = ending === null ? 200 : ending.status;
  return outcomeOfItems(batch.length, failed, { status, retryAfter: null });
}

/** Fills in the routing key. `{source}` of an event without a source is `tidings`. */
function routingKeyOf(template: string, { type, event }: Outgoing): string {
  const source = textOf(event["source"]) ?? "tidings";
  return template.replaceAll(/\{(type|source)\}/g, (_, name) => (name === "type" ? type : source));
}

function refusedAtHome({ index, text, routingKey }: Routed): ItemFailure | null {
  if (bytesOf(text) > LARGEST) return { index, result: "refused", reason: "is too large: more than 16 MiB" };
  return bytesOf(routingKey) > SHORT
    ? { index, result: "refused", reason: "its routing key is too long" }
    : null;
}

/** Publishes the messages and records the exchange. */
async function send(messages: readonly Routed[], settings: Settings, attempt: Attempt) {
  const { tls, exchange, vhost, routing_key } = settings;
  const { hostname: host } = new URL(`https://${settings.host}`);
  const server = { ...settings, host, port: settings.port ?? (tls ? 5671 : 5672) };
  const began = Date.now();
  const result = await publishAll(server, exchange, messages, attempt);
  const { fates, ending } = result;
  const answered = fates.some((fate) => fate !== null);
  attempt.note({
    request: {
      method: "basic.publish",
      url: `${tls ? "amqps" : "amqp"}://${host}:${server.port}/${encodeURIComponent(vhost)}`,
      headers: { exchange, routing_key, "tidings-attempt": attempt.id },
      body: messages.map(({ text }) => text).join("\n"),
    },
    response: answered
      ? { status: ending?.status ?? 200, headers: {}, body: fates.map(String).join("\n") }
      : null,
    error: ending?.reason ?? null,
    took: Date.now() - began,
  });
  return result;
}

function failuresOf(
  messages: readonly Routed[],
  fates: readonly Fate[],
  ending: Ending | null,
): ItemFailure[] {
  const open = messages.filter((_, place) => fates[place] === null);
  // The broker does not say which message was too large. The largest one was, whatever the others are.
  const largest = Math.max(...open.map(({ text }) => bytesOf(text)));
  const blamed = open.find(({ text }) => bytesOf(text) === largest)?.index;
  return messages.flatMap(({ index }, place): ItemFailure[] => {
    const fate = fates[place] ?? null;
    if (fate === "acked") return [];
    if (fate === "nacked") return [{ index, result: "unavailable", reason: "the broker did not take it" }];
    if (fate === "returned")
      return [{ index, result: "refused", reason: "no queue is there for its routing key" }];
    const reason = ending?.reason ?? "the broker did not say what became of it";
    const result = ending?.result ?? "unavailable";
    if (result === "slow_down" || result === "denied") return [{ index, result, reason }];
    return [{ index, result: result === "refused" && index === blamed ? result : "unavailable", reason }];
  });
}
