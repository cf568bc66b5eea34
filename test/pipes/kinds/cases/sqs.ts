// `sqs` in the shared suite, against a written peer that recomputes signatures: standard and FIFO queues.

import type { Attempt, Outgoing, DeliveryResult } from "../../../../src/pipes/kinds/kind.ts";
import { sqs } from "../../../../src/pipes/kinds/sqs.ts";
import { orderKey } from "../../../../src/pipes/transport/batches.ts";
import { attemptOf, outgoingOf } from "../../attempts.ts";
import { AWS_KEY } from "../../peers/known.ts";
import type { Taken } from "../../peers/rooms.ts";
import { answered, echoes, httpErrors, openRoom } from "../rooms.ts";
import type { KindCase, Refusal } from "../suite.ts";

/** Settings for the queue at that URL. */
export const sqsSettings = (queue_url: string): Record<string, unknown> => ({
  queue_url,
  region: "eu-west-1",
  access_key_id: AWS_KEY.id,
  secret_access_key: AWS_KEY.secret,
});

const named = (when: string, code: string, result: DeliveryResult, status = 400): Refusal => {
  const body = { __type: `com.amazonaws.sqs#${code}`, message: `ann@example.com ${AWS_KEY.secret}` };
  return answered(when, { status, body }, result);
};

/** Bytes of the attributes of a message: names, types, values. */
const BESIDE =
  "tidings-eventtidings-typetidings-attemptStringStringString".length +
  outgoingOf(0).id.length +
  outgoingOf(0).type.length +
  attemptOf().attempt.id.length;

async function sqsCase(name: string, queue: string, ordered: boolean): Promise<KindCase> {
  const { url, ...control } = await openRoom("sqs");
  const item = (code: string, result: DeliveryResult): NonNullable<KindCase["items"]>[number] => ({
    when: code,
    result,
    at: (places) => ({ behaviour: { items: Object.fromEntries(places.map((place) => [place, code])) } }),
  });
  return {
    name,
    kind: sqs,
    control,
    settings: (changes = {}) => ({ ...sqsSettings(`${url}/123456789012/${queue}`), ...changes }),
    wrong: {
      "another secret": { secret_access_key: "wrong" },
      "another key": { access_key_id: "AKIAXXXXXXXXXXEXAMPLE" },
      "another region": { region: "eu-west-2" },
      "another queue": { queue_url: `${url}/123456789012/others` },
    },
    secretValues: [AWS_KEY.secret],
    errors: [
      ...httpErrors({ but: { 410: null } }),
      named("no such queue", "QueueDoesNotExist", "denied"),
      answered(
        "its older name",
        { status: 400, headers: { "x-amzn-query-error": "AWS.SimpleQueueService.NonExistentQueue;Sender" } },
        "denied",
      ),
      named("no permission", "AccessDeniedException", "denied"),
      named("an ended token", "ExpiredTokenException", "denied", 403),
      named("a key that may not be used", "KmsDisabled", "denied"),
      named("throttling", "RequestThrottled", "slow_down"),
      named("common throttling", "ThrottlingException", "slow_down"),
      named("a throttled key", "KmsThrottled", "slow_down"),
      named("too many in flight", "OverLimit", "slow_down", 403),
      named("a clock that is wrong", "RequestExpired", "unavailable"),
      named("an internal failure", "InternalFailure", "unavailable", 500),
      named("a batch that is too long", "BatchRequestTooLong", "refused"),
      named("characters it does not take", "InvalidMessageContents", "refused"),
      answered(
        "results of other messages",
        { status: 200, body: '{"Successful":[{"Id":"7"}]}' },
        "unavailable",
      ),
    ],
    items: [
      item("InvalidMessageContents", "refused"),
      item("InternalError", "unavailable"),
      item("RequestThrottled", "slow_down"),
      item("KmsAccessDenied", "denied"),
    ],
    hangs: [{ behaviour: { fault: "hang" } }],
    echoes: echoes([AWS_KEY.secret]),
    arrives: (event: Outgoing, attempt: Attempt): Taken => ({
      id: event.id,
      type: event.type,
      attempt: attempt.id,
      order: ordered ? orderKey(event) : null,
      text: event.text,
    }),
    largest: 1_048_576 - BESIDE,
  };
}

export const cases: readonly KindCase[] = [
  await sqsCase("sqs", "events", false),
  await sqsCase("sqs (FIFO)", "events.fifo", true),
];
