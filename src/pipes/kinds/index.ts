// All kinds of pipe, by id: a new one is a file and a line.

import { discord } from "./discord.ts";
import { email } from "./email.ts";
import { hubspot } from "./hubspot.ts";
import { kafka } from "./kafka.ts";
import type { Kind } from "./kind.ts";
import { pagerduty } from "./pagerduty.ts";
import { pubsub } from "./pubsub.ts";
import { queue } from "./queue.ts";
import { rabbitmq } from "./rabbitmq.ts";
import { salesforce } from "./salesforce.ts";
import { servicebus } from "./servicebus.ts";
import { slack } from "./slack.ts";
import { sqs } from "./sqs.ts";
import { teams } from "./teams.ts";
import { webhook } from "./webhook.ts";

const ALL: readonly Kind[] = [
  webhook,
  sqs,
  pubsub,
  servicebus,
  kafka,
  rabbitmq,
  queue,
  slack,
  teams,
  discord,
  pagerduty,
  email,
  hubspot,
  salesforce,
];

/** All kinds by their id. */
export const kinds: Readonly<Record<string, Kind>> = Object.fromEntries(ALL.map((one) => [one.id, one]));

/** The kind with this id; undefined if there is none. */
export function kindNamed(id: string): Kind | undefined {
  return Object.hasOwn(kinds, id) ? kinds[id] : undefined;
}
