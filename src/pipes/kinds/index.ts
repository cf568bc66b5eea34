// All kinds of pipe, by id: a new one is a file and a line.

import type { Kind } from "./kind.ts";
import { kafka } from "./kafka.ts";
import { pubsub } from "./pubsub.ts";
import { queue } from "./queue.ts";
import { servicebus } from "./servicebus.ts";
import { sqs } from "./sqs.ts";

const ALL: readonly Kind[] = [sqs, pubsub, servicebus, kafka, queue];

export const kinds: Readonly<Record<string, Kind>> = Object.fromEntries(ALL.map((one) => [one.id, one]));
