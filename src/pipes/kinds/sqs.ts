// Amazon SQS: each event is a message, and a SendMessageBatch takes ten at most. It speaks the AWS JSON protocol.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html

import { AwsV4Signer } from "aws4fetch";
import * as z from "zod";
import { outcomeOf, outcomeOfError, refusalOf, type Answer } from "../transport/http.ts";
import { parsedJson } from "../../lib/json.ts";
import {
  attributesOf,
  bytesOf,
  deliverInRequests,
  orderKey,
  outcomeOfItems,
  type ItemFailure,
} from "../transport/batches.ts";
import type { Attempt, Kind, Outcome, Outgoing, DeliveryResult } from "./kind.ts";

// Since August 2025 a message, and a request in all, may hold 1 MiB. Older queues and many consumers still take 256
// KiB. So a request has up to 256 KiB, and a larger event is sent alone: the queue decides whether it takes it.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
const LIMITS = { events: 10, bytes: 262_144, one: 1_048_576 };

const REGION = /^[a-z]{2}(-[a-z]+)+-\d{1,2}$/;

const settings = z
  .strictObject({
    queue_url: z
      .string("must be the queue's URL")
      .max(1024, "must be the queue's URL")
      .refine((text) => refusalOf(text, true) === null && new URL(text).pathname.length > 1, {
        message: "must be the queue's URL, such as https://sqs.eu-west-1.amazonaws.com/123456789012/events",
      })
      .meta({ description: "The queue's URL as SQS shows it. One that ends with .fifo is a FIFO queue" }),
    region: z
      .string("must be an AWS region, such as eu-west-1")
      .regex(REGION, "must be an AWS region, such as eu-west-1")
      .optional()
      .meta({ description: "The queue's region, where its URL does not name it" }),
    access_key_id: z
      .string("must be the id of an access key that may sqs:SendMessage")
      .regex(/^\w{16,128}$/, "must be the id of an access key, such as AKIAIOSFODNN7EXAMPLE"),
    secret_access_key: z
      .string("must be the access key's secret")
      .regex(/^[\x21-\x7e]{1,256}$/, "must be the access key's secret, without spaces"),
    session_token: z
      .string("must be the session token of a temporary key")
      .regex(/^[\x21-\x7e]{1,4096}$/, "must be the session token of a temporary key, without spaces")
      .optional()
      .meta({
        description:
          "Of a temporary key (ASIA...), which ends after 36 hours at most: the pipe then waits until you pass a new one. " +
          "A pipe that stays wants the key of an IAM user (AKIA...)",
      }),
  })
  .refine((given) => !given.access_key_id.startsWith("ASIA") || given.session_token !== undefined, {
    path: ["session_token"],
    message:
      "must be given with a temporary key (ASIA...); a key of an IAM user (AKIA...) needs none, and does not end",
  })
  .refine((given) => !given.access_key_id.startsWith("AKIA") || given.session_token === undefined, {
    path: ["session_token"],
    message: "must not be given with the key of an IAM user (AKIA...); pass null to remove it",
  })
  .refine((given) => given.region !== undefined || regionOf(given.queue_url) !== null, {
    path: ["region"],
    message: "must be given, because the queue's URL does not name it",
  });

type Settings = z.infer<typeof settings>;

/** The region in a queue's URL: sqs.<region>.amazonaws.com, sqs.<region>.api.aws, <region>.queue.amazonaws.com. */
function regionOf(url: string): string | null {
  const labels = URL.canParse(url) ? new URL(url).hostname.split(".") : [];
  return labels.find((label) => REGION.test(label)) ?? (labels[0] === "queue" ? "us-east-1" : null);
}

/** Amazon SQS. */
export const sqs: Kind<Settings> = {
  id: "sqs",
  title: "Amazon SQS, standard and FIFO queues",
  singleRequest: true,
  settings,
  secrets: ["secret_access_key", "session_token"],
  endpoints: ["queue_url"],
  batch: { events: LIMITS.events, bytes: 256_000 }, // the rest is for the attributes
  deliver: (batch, given, attempt) =>
    deliverInRequests(
      batch,
      (event) => sizeOf(entryOf(event, "0", given, attempt)),
      LIMITS,
      async (part) => {
        try {
          return outcomeOfAnswer(await post(part, given, attempt), part.length, attempt.now);
        } catch (error) {
          return outcomeOfError(error);
        }
      },
    ),
};

/**
 * What SQS does not take in a body (it replaces or refuses it): the documentation names #x9, #xA, #xD, #x20 to #xD7FF
 * and #xE000 to #xFFFD. In JSON these stand in strings only, and mean the same when they are escaped.
 */
const OUTSIDE = /[\uD800-\uDFFF\uFFFE\uFFFF]/g;

interface Entry {
  Id: string;
  MessageBody: string;
  MessageAttributes: Record<string, { DataType: "String"; StringValue: string }>;
  MessageGroupId?: string;
  MessageDeduplicationId?: string;
}

function entryOf(event: Outgoing, id: string, { queue_url }: Settings, attempt: Attempt): Entry {
  const attributes = Object.entries(attributesOf(event, attempt)).map(([name, value]) => [
    name,
    { DataType: "String", StringValue: value },
  ]);
  return {
    Id: id,
    MessageBody: event.text.replace(OUTSIDE, (char) => `\\u${char.charCodeAt(0).toString(16)}`),
    MessageAttributes: Object.fromEntries(attributes),
    ...(new URL(queue_url).pathname.endsWith(".fifo")
      ? { MessageGroupId: orderKey(event), MessageDeduplicationId: event.id }
      : {}),
  };
}

/** Bytes by SQS's count: the body, and each attribute's name, type and value. */
function sizeOf({ MessageBody, MessageAttributes }: Entry): number {
  const beside = Object.entries(MessageAttributes).map(
    ([name, one]) => name + one.DataType + one.StringValue,
  );
  return bytesOf(MessageBody + beside.join(""));
}

async function post(part: readonly Outgoing[], given: Settings, attempt: Attempt): Promise<Answer> {
  const { queue_url, access_key_id, secret_access_key, session_token } = given;
  const Entries = part.map((event, index) => entryOf(event, String(index), given, attempt));
  const body = JSON.stringify({ QueueUrl: queue_url, Entries });
  const url = new URL("/", queue_url).href;
  const signed = await new AwsV4Signer({
    method: "POST",
    url,
    headers: {
      "content-type": "application/x-amz-json-1.0",
      "x-amz-target": "AmazonSQS.SendMessageBatch",
    },
    body,
    service: "sqs",
    region: given.region ?? regionOf(queue_url) ?? "",
    accessKeyId: access_key_id,
    secretAccessKey: secret_access_key,
    ...(session_token === undefined ? {} : { sessionToken: session_token }),
    datetime: new Date(attempt.now).toISOString().replace(/[:-]|\.\d{3}/g, ""),
  }).sign();
  const headers = Object.fromEntries(signed.headers);
  const secrets = [secret_access_key, ...(session_token === undefined ? [] : [session_token])];
  return await attempt.fetch({ method: "POST", url, headers, body, secrets });
}

const results = z.object({
  Successful: z.array(z.object({ Id: z.string() })).default([]),
  Failed: z
    .array(
      z.object({ Id: z.string(), SenderFault: z.boolean().default(false), Code: z.string().default("") }),
    )
    .default([]),
});

function outcomeOfAnswer(answer: Answer, count: number, now: number): Outcome {
  const outcome = outcomeOf(answer, now);
  if (outcome.result !== "delivered") return outcomeOfRefusal(answer, outcome);
  const read = results.safeParse(parsedJson(answer.text));
  const { Successful, Failed } = read.data ?? { Successful: [], Failed: [] };
  const taken = new Set(Successful.map(({ Id }) => Id));
  const failures = new Map(Failed.map((one) => [one.Id, one]));
  const failed = Array.from({ length: count }, (_, index): ItemFailure[] => {
    if (taken.has(String(index))) return [];
    const one = failures.get(String(index));
    if (one === undefined)
      return [{ index, result: "unavailable", reason: "no word of this message in the answer" }];
    const result = resultOfCode(one.Code) ?? (one.SenderFault ? "refused" : "unavailable");
    return [{ index, result, reason: `not taken: ${nameOf(one.Code)}` }];
  }).flat();
  return outcomeOfItems(count, failed, outcome);
}

const errors = z.record(z.string(), z.string().catch(""));

/** Most errors of SQS are 400s, and a name says which error it is. */
function outcomeOfRefusal(answer: Answer, outcome: Outcome): Outcome {
  const type = errors.safeParse(parsedJson(answer.text)).data?.["__type"]?.split("#").at(-1);
  const code = type ?? answer.headers.get("x-amzn-query-error")?.split(";")[0] ?? "";
  const result: DeliveryResult =
    answer.status >= 500 ? "unavailable" : (resultOfCode(code) ?? outcome.result);
  const ended = /ExpiredToken/.test(code) ? ", because the temporary key has ended: pass a new one" : "";
  const reason = code === "" ? outcome.reason : `answered ${answer.status}: ${nameOf(code)}${ended}`;
  return { ...outcome, result: /throttl/i.test(code) ? "slow_down" : result, reason };
}

/**
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html, and SendMessageBatch's own.
 */
const RESULTS: readonly [code: RegExp, "slow_down" | "denied" | "unavailable"][] = [
  [/throttl|OverLimit|SlowDown|TooManyRequests|RequestLimitExceeded/i, "slow_down"],
  [/RequestExpired|Timeout|Aborted|Internal|ServiceUnavailable/, "unavailable"],
  [/AccessDenied|NotAuthorized|OptInRequired|Unrecognized|Token|Signature|InvalidSecurity|^Kms/i, "denied"],
  [
    /QueueDoesNotExist|NonExistentQueue|QueueDeleted|InvalidAddress|UnsupportedOperation|UnknownOperation/,
    "denied",
  ],
];

function resultOfCode(code: string): (typeof RESULTS)[number][1] | null {
  return RESULTS.find(([named]) => named.test(code))?.[1] ?? null;
}

/** A code that is safe to show. Other texts of the destination are not shown. */
function nameOf(code: string): string {
  return code.replace(/[^\w.]/g, "").slice(0, 80);
}
