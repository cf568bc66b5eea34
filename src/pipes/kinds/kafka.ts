// Apache Kafka through a REST proxy: Confluent's v3, or the v2 that Redpanda's HTTP Proxy (and older ones of Confluent)
// speak.
// https://docs.confluent.io/platform/current/kafka-rest/api.html#records-v3
// https://docs.redpanda.com/current/develop/http-proxy/

import * as z from "zod";
import { outcomeOf, outcomeOfError, refusalOf, type Answer, type PipeRequest } from "../transport/http.ts";
import { attributesOf, bytesOf, deliverInRequests, orderKey } from "../transport/batches.ts";
import { codeOf, resultsOfV2, resultsOfV3 } from "./kafka-answers.ts";
import type { Attempt, Kind, Outcome, Outgoing } from "./kind.ts";

// By default a broker takes batches of 1 MiB (message.max.bytes). A larger event is sent alone, and the broker decides.
// The number of events is limited so that the answers for all of them fit into the part of a response that is read.
// https://kafka.apache.org/documentation/#brokerconfigs_message.max.bytes
const LIMITS = { events: 100, bytes: 1_000_000, one: 20_000_000 };
/** Bytes of a record beside the payload: its key, its headers, and braces. */
const OVERHEAD = 400;

const URL_WORDS = "must be the https URL of the REST proxy";
const TOPIC_WORDS = "must be a topic's name: letters, digits, dots, hyphens and underscores";

const settings = z
  .strictObject({
    flavour: z
      .enum(["confluent", "redpanda"], "must be confluent or redpanda")
      .default("confluent")
      .meta({ description: "confluent: REST API v3; redpanda: REST API v2, which has no headers" }),
    url: z
      .string(URL_WORDS)
      .refine((text) => refusalOf(text, true) === null && !/[?#]/.test(text), { message: URL_WORDS })
      .meta({ description: "The REST proxy, or a Confluent Cloud cluster's REST endpoint" }),
    cluster: z
      .string("must be the cluster's id, such as lkc-xxxxx")
      .regex(/^[\w-]{1,100}$/, "must be the cluster's id, such as lkc-xxxxx")
      .optional()
      .meta({ description: "The cluster's id (confluent only)" }),
    topic: z.string(TOPIC_WORDS).regex(/^(?!\.{1,2}$)[\w.-]{1,249}$/, TOPIC_WORDS),
    key: z.enum(["contact", "event", "none"], "must be contact, event or none").default("contact").meta({
      description: "The records' key: a hash of the contact, which keeps its order, or the event's id",
    }),
    username: z
      .string("must be a user's name, or the id of an API key")
      .regex(
        /^[\x21-\x39\x3b-\x7e]{1,256}$/,
        "must be a user's name, or the id of an API key, without a colon",
      )
      .optional(),
    password: z
      .string("must be the password, or the secret of the API key")
      .regex(/^[\x20-\x7e]{1,1000}$/, "must be the password, or the secret of the API key")
      .optional(),
    token: z
      .string("must be a bearer token")
      .regex(/^[\x21-\x7e]{1,8000}$/, "must be a bearer token, without spaces")
      .optional()
      .meta({ description: "A bearer token, instead of username and password" }),
  })
  .refine(({ flavour, cluster }) => (flavour === "confluent") === (cluster !== undefined), {
    path: ["cluster"],
    message: "must be given with the flavour confluent, and with no other",
  })
  .refine(({ username, password }) => (username === undefined) === (password === undefined), {
    path: ["password"],
    message: "must be given together with `username`",
  })
  .refine(({ username, token }) => username === undefined || token === undefined, {
    path: ["token"],
    message: "must be left out where there is a `username`",
  });

type Settings = z.infer<typeof settings>;

/** Apache Kafka. */
export const kafka: Kind<Settings> = {
  id: "kafka",
  title: "Kafka, by the REST proxies of Confluent and Redpanda",
  settings,
  secrets: ["password", "token"],
  endpoints: ["url"],
  batch: { events: LIMITS.events, bytes: 900_000 }, // the rest is for keys and headers
  deliver: (batch, given, attempt) =>
    deliverInRequests(
      batch,
      ({ text }) => bytesOf(text) + OVERHEAD,
      LIMITS,
      async (part) => {
        try {
          const answer = await attempt.fetch(requestOf(part, given, attempt));
          return outcomeOfAnswer(answer, part.length, given, attempt.now);
        } catch (error) {
          return outcomeOfError(error);
        }
      },
    ),
};

function requestOf(part: readonly Outgoing[], given: Settings, attempt: Attempt): PipeRequest {
  const { flavour, url, cluster, topic } = given;
  const base = url.replace(/\/+$/, "");
  const { headers, secrets } = credentialsOf(given);
  const request = { method: "POST" as const, secrets };
  const common = { ...headers, "tidings-attempt": attempt.id };
  if (flavour === "redpanda") {
    return {
      ...request,
      url: `${base}/topics/${topic}`,
      headers: {
        ...common,
        "content-type": "application/vnd.kafka.json.v2+json",
        accept: "application/vnd.kafka.v2+json",
      },
      body: `{"records":[${part.map((event) => recordV2(event, given)).join(",")}]}`,
    };
  }
  return {
    ...request,
    url: `${base}/kafka/v3/clusters/${cluster}/topics/${topic}/records`,
    headers: { ...common, "content-type": "application/json", accept: "application/json" },
    body: part.map((event) => recordV3(event, given, attempt)).join("\n"),
  };
}

function credentialsOf({ username, password = "", token }: Settings): {
  headers: Record<string, string>;
  secrets: string[];
} {
  if (token !== undefined) return { headers: { authorization: `Bearer ${token}` }, secrets: [token] };
  if (username === undefined) return { headers: {}, secrets: [] };
  const pair = Buffer.from(`${username}:${password}`).toString("base64");
  return { headers: { authorization: `Basic ${pair}` }, secrets: [pair, password] };
}

function keyOf(event: Outgoing, { key }: Settings): string | null {
  return key === "none" ? null : key === "event" ? event.id : orderKey(event);
}

/** The body of the request. The payloads are JSON already and are inserted as they are. */
function recordV2(event: Outgoing, given: Settings): string {
  const key = keyOf(event, given);
  return `{${key === null ? "" : `"key":${JSON.stringify(key)},`}"value":${event.text}}`;
}

function recordV3(event: Outgoing, given: Settings, attempt: Attempt): string {
  const data = keyOf(event, given);
  const key = data === null ? "" : `"key":${JSON.stringify({ type: "STRING", data })},`;
  const headers = Object.entries(attributesOf(event, attempt)).map(([name, value]) => {
    return { name, value: Buffer.from(value).toString("base64") };
  });
  return `{${key}"value":{"type":"JSON","data":${event.text}},"headers":${JSON.stringify(headers)}}`;
}

function outcomeOfAnswer(answer: Answer, count: number, { flavour }: Settings, now: number): Outcome {
  const outcome = outcomeOf(answer, now);
  if (outcome.result === "delivered") {
    return flavour === "redpanda"
      ? resultsOfV2(answer, count, outcome.retryAfter)
      : resultsOfV3(answer, count, outcome.retryAfter);
  }
  const code = codeOf(answer);
  return code === null ? outcome : { ...outcome, reason: `answered ${answer.status}: error ${code}` };
}
