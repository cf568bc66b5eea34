// All kinds of pipe, by id: a new one is a file and a line.

import { hubspot } from "./hubspot.ts";
import type { Kind } from "./kind.ts";
import { rabbitmq } from "./rabbitmq.ts";
import { salesforce } from "./salesforce.ts";
import { slack } from "./slack.ts";

const ALL: readonly Kind[] = [slack, hubspot, salesforce, rabbitmq];

export const kinds: Readonly<Record<string, Kind>> = Object.fromEntries(ALL.map((one) => [one.id, one]));
