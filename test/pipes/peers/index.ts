// The receivers that pipes are tested against: they run in Node, beside the tests in workerd, which find their ports by
// `inject("peers")`. A new one is a file that exports `start` and a line here.

import type { TestProject } from "vitest/node";
import * as amqp from "./amqp.ts";
import * as discord from "./discord.ts";
import * as fauxqs from "./fauxqs.ts";
import * as hubspot from "./hubspot.ts";
import * as kafka from "./kafka.ts";
import * as pagerduty from "./pagerduty.ts";
import * as pubsub from "./pubsub.ts";
import type { Peer } from "./rooms.ts";
import * as salesforce from "./salesforce.ts";
import * as servicebus from "./servicebus.ts";
import * as slack from "./slack.ts";
import * as slackCompatible from "./slack-compatible.ts";
import * as sqs from "./sqs.ts";
import * as teams from "./teams.ts";
import * as webhook from "./webhook.ts";

/** All but `fauxqs`, which is one real server for all, have rooms (rooms.ts). */
const PEERS: Record<string, () => Promise<Peer>> = {
  amqp: amqp.start,
  discord: discord.start,
  fauxqs: fauxqs.start,
  hubspot: hubspot.start,
  kafka: kafka.start,
  pagerduty: pagerduty.start,
  pubsub: pubsub.start,
  salesforce: salesforce.start,
  servicebus: servicebus.start,
  slack: slack.start,
  slackCompatible: slackCompatible.start,
  sqs: sqs.start,
  teams: teams.start,
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
