// Azure Service Bus: a batch of messages to a queue or topic by its REST interface, taken whole or not at all.
// https://learn.microsoft.com/en-us/rest/api/servicebus/send-message-batch

import { nodeCrypto } from "../../lib/node-modules.ts";
import * as z from "zod";
import { outcomeOf, outcomeOfError, refusalOf, type Answer } from "../transport/http.ts";
import { attributesOf, bytesOf, deliverInRequests, orderKey } from "../transport/batches.ts";
import type { Attempt, Kind, Outcome, Outgoing, DeliveryResult } from "./kind.ts";

// The Basic and Standard tiers take 256 KB in a message or batch, properties included; Premium takes 1 MB over HTTP. So
// a batch has up to 256 KB of JSON, and a larger event is sent alone: the namespace decides whether it takes it.
// https://learn.microsoft.com/en-us/azure/service-bus-messaging/service-bus-quotas
const LIMITS = { events: 100, bytes: 256_000, one: 1_048_576 };

/** How long a token is valid, s: the time of a request, and the difference between clocks. */
const TOKEN_LIFE = 600;

const NAMESPACE =
  "must be a namespace's name, or its URL such as https://my-namespace.servicebus.windows.net";
const ENTITY = "must be the name of a queue or topic";

const settings = z.strictObject({
  namespace: z
    .string(NAMESPACE)
    .refine((text) => originOf(text) !== null, { message: NAMESPACE })
    .meta({ description: "The namespace's name; its URL where it is not in Azure's public cloud" }),
  entity: z
    .string(ENTITY)
    .max(260, ENTITY)
    .regex(/^[A-Za-z0-9]([\w./-]*[A-Za-z0-9])?$/, ENTITY)
    .refine((text) => !/\/\/|\.\./.test(text), { message: ENTITY })
    .meta({ description: "The queue or topic" }),
  key_name: z
    .string("must be the name of a shared access policy")
    .regex(/^[\x21-\x7e]{1,256}$/, "must be the name of a shared access policy")
    .meta({ description: "The shared access policy that may Send" }),
  key: z
    .string("must be a key of the shared access policy")
    .regex(/^[\x21-\x7e]{1,256}$/, "must be a key of the shared access policy, without spaces"),
  sessions: z.boolean("must be true or false").default(false).meta({
    description: "Whether each contact's events get a session id, as entities with sessions require",
  }),
});

type Settings = z.infer<typeof settings>;

function originOf(namespace: string): string | null {
  if (/^[a-z][a-z0-9-]{4,48}[a-z0-9]$/i.test(namespace)) return `https://${namespace}.servicebus.windows.net`;
  if (refusalOf(namespace, true) !== null) return null;
  const { origin, pathname, search } = new URL(namespace);
  return pathname + search === "/" ? origin : null;
}

/** Azure Service Bus. */
export const servicebus: Kind<Settings> = {
  id: "servicebus",
  title: "Azure Service Bus, queues and topics",
  settings,
  secrets: ["key"],
  endpoints: ["namespace"],
  batch: { events: LIMITS.events, bytes: 180_000 }, // the rest is for properties, and for quotes within quotes
  deliver: (batch, given, attempt) =>
    deliverInRequests(
      batch,
      (event) => bytesOf(JSON.stringify(messageOf(event, given, attempt))) + 2, // brackets, or a comma
      LIMITS,
      async (part) => {
        try {
          return outcomeOfAnswer(await post(part, given, attempt), attempt.now);
        } catch (error) {
          return outcomeOfError(error);
        }
      },
    ),
};

function messageOf(event: Outgoing, { sessions }: Settings, attempt: Attempt): Record<string, unknown> {
  const session = sessions ? { SessionId: orderKey(event) } : {};
  return {
    Body: event.text,
    BrokerProperties: { MessageId: event.id, Label: event.type, ...session },
    UserProperties: attributesOf(event, attempt),
  };
}

async function post(part: readonly Outgoing[], given: Settings, attempt: Attempt): Promise<Answer> {
  const entity = `${originOf(given.namespace)}/${given.entity}`;
  const token = await tokenOf(entity, given, attempt.now);
  return await attempt.fetch({
    method: "POST",
    url: `${entity}/messages`,
    headers: { authorization: token, "content-type": "application/vnd.microsoft.servicebus.json" },
    body: JSON.stringify(part.map((event) => messageOf(event, given, attempt))),
    secrets: [token, given.key],
  });
}

/** https://learn.microsoft.com/en-us/rest/api/eventhub/generate-sas-token: the key signs as the text that it is. */
async function tokenOf(resource: string, { key_name, key }: Settings, now: number): Promise<string> {
  const { createHmac } = await nodeCrypto();
  const name = encodeURIComponent(resource);
  const expiry = Math.floor(now / 1000) + TOKEN_LIFE;
  const signature = createHmac("sha256", key).update(`${name}\n${expiry}`).digest("base64");
  const sig = encodeURIComponent(signature);
  return `SharedAccessSignature sr=${name}&sig=${sig}&se=${expiry}&skn=${encodeURIComponent(key_name)}`;
}

function outcomeOfAnswer(answer: Answer, now: number): Outcome {
  const outcome = outcomeOf(answer, now);
  if (answer.status === 201) return outcome;
  if (outcome.result === "delivered") {
    return {
      ...outcome,
      result: "unavailable",
      reason: `answered ${answer.status}, where Service Bus answers 201`,
    };
  }
  return { ...outcome, ...wordsOf(answer) };
}

/** Decides where the status alone does not: 403 means no right, a full entity, or a large message. */
const RESULTS: readonly [status: number, words: RegExp, DeliveryResult, means: string][] = [
  [403, /quota|maximum entity size|reached or exceeded/i, "slow_down", "the queue or topic is full"],
  [403, /too large|exceeds the (maximum|limit)|message ?size/i, "refused", "too large"],
  [410, /^/, "denied", "no such queue or topic"],
  [503, /server ?busy|throttl/i, "slow_down", "throttled"],
];

function wordsOf({ status, text }: Answer): { result: DeliveryResult; reason: string } | null {
  const found = RESULTS.find(([answered, words]) => answered === status && words.test(text));
  return found === undefined ? null : { result: found[2], reason: `answered ${status}: ${found[3]}` };
}
