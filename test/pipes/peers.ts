// Starts the destinations of the pipes' tests in Node, and hands their ports to the tests in workerd.

import type { TestProject } from "vitest/node";
import * as kafka from "./peers-kafka.ts";
import * as pubsub from "./peers-pubsub.ts";
import * as servicebus from "./peers-servicebus.ts";
import * as sqs from "./peers-sqs.ts";

interface Peer {
  port: number;
  stop(): Promise<void>;
}

const PEERS: Readonly<Record<string, () => Promise<Peer>>> = {
  kafka: kafka.start,
  pubsub: pubsub.start,
  servicebus: servicebus.start,
  sqs: sqs.start,
  "sqs-real": sqs.startReal,
};

declare module "vitest" {
  interface ProvidedContext {
    /** name of a peer -> its port on 127.0.0.1 */
    peers: Record<string, number>;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const started: [string, Peer][] = [];
  for (const [name, start] of Object.entries(PEERS)) started.push([name, await start()]);
  project.provide("peers", Object.fromEntries(started.map(([name, { port }]) => [name, port])));
  return async () => {
    for (const [, peer] of started) await peer.stop();
  };
}
