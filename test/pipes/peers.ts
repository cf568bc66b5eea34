// The receivers that pipes are tested against: they run in Node, beside the tests in workerd, which find their ports by
// `inject("peers")`. A new one is a file that exports `start` and a line here.

import type { TestProject } from "vitest/node";
import * as amqp from "./peers-amqp.ts";
import * as hubspot from "./peers-hubspot.ts";
import * as kafka from "./peers-kafka.ts";
import * as pubsub from "./peers-pubsub.ts";
import * as salesforce from "./peers-salesforce.ts";
import * as servicebus from "./peers-servicebus.ts";
import * as slack from "./peers-slack.ts";
import * as sqs from "./peers-sqs.ts";
import * as webhook from "./peers-webhook.ts";

/** A running peer. */
export interface Peer {
  port: number;
  stop: () => Promise<void>;
}

const PEERS: Record<string, () => Promise<Peer>> = {
  amqp: amqp.start,
  hubspot: hubspot.start,
  kafka: kafka.start,
  pubsub: pubsub.start,
  salesforce: salesforce.start,
  servicebus: servicebus.start,
  slack: slack.start,
  sqs: sqs.start,
  "sqs-real": sqs.startReal,
  webhook: webhook.start,
};

declare module "vitest" {
  interface ProvidedContext {
    /** Ports on 127.0.0.1, by the peer's name. */
    peers: Record<string, number>;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const started = await Promise.all(
    Object.entries(PEERS).map(async ([name, start]) => ({ name, ...(await start()) })),
  );
  project.provide("peers", Object.fromEntries(started.map(({ name, port }) => [name, port])));
  return async () => {
    await Promise.all(started.map(({ stop }) => stop()));
  };
}
