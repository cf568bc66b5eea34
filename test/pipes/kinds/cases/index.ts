// The cases of the shared suite, by the kind's id.

import type { KindCase } from "../suite.ts";
import { cases as discord } from "./discord.ts";
import { cases as email } from "./email.ts";
import { cases as hubspot } from "./hubspot.ts";
import { cases as kafka } from "./kafka.ts";
import { cases as pagerduty } from "./pagerduty.ts";
import { cases as pubsub } from "./pubsub.ts";
import { cases as queue } from "./queue.ts";
import { cases as rabbitmq } from "./rabbitmq.ts";
import { cases as salesforce } from "./salesforce.ts";
import { cases as servicebus } from "./servicebus.ts";
import { cases as slack } from "./slack.ts";
import { cases as sqs } from "./sqs.ts";
import { cases as teams } from "./teams.ts";
import { cases as webhook } from "./webhook.ts";

export const CASES: Readonly<Record<string, readonly KindCase[]>> = {
  discord,
  email,
  hubspot,
  kafka,
  pagerduty,
  pubsub,
  queue,
  rabbitmq,
  salesforce,
  servicebus,
  slack,
  sqs,
  teams,
  webhook,
};
