// Another Cloudflare Queue of the same account, named by its producer binding. It needs neither network nor
// credentials.
// https://developers.cloudflare.com/queues/platform/limits/

import * as z from "zod";
import { bytesOf, deliverInRequests } from "../transport/batches.ts";
import { withinTime } from "../transport/within-time.ts";
import type { Attempt, Kind, Outcome, Outgoing, DeliveryResult } from "./kind.ts";

// By these limits, 1 KB is 1,000 bytes, and the platform adds about 100 bytes to each message.
const OVERHEAD = 100;
const LIMITS = { events: 100, bytes: 256_000, one: 128_000 };

/** Tidings' own queues: an event sent there would come back as a delivery. */
const OWN = new Set(["QUEUE", "DEAD_QUEUE", "EMAIL_EVENTS"]);

const settings = z.strictObject({
  binding: z
    .string("must be the name of a queue's producer binding")
    .regex(
      /^[A-Z][A-Z0-9_]{0,63}$/,
      "must be the name of a producer binding, in capitals, such as CRM_EVENTS",
    )
    .refine((name) => !OWN.has(name), "must not be one of Tidings' own queues")
    .meta({ description: "Name of a producer binding ([[queues.producers]] in wrangler.toml)" }),
});

type Settings = z.infer<typeof settings>;

/** Cloudflare Queues. */
export const queue: Kind<Settings> = {
  id: "queue",
  title: "Another Cloudflare Queue, by binding",
  settings,
  secrets: [],
  endpoints: [],
  batch: { events: LIMITS.events, bytes: 240_000 }, // the rest is for the overhead
  deliver: async (batch, { binding }, attempt) => {
    const producer = producerOf(binding, attempt.env);
    if (producer === null) return outcome("denied", `the Worker has no queue bound as ${binding}`);
    return await deliverInRequests(
      batch,
      ({ text }) => bytesOf(text) + OVERHEAD,
      LIMITS,
      (part) => put(part, binding, producer, attempt),
    );
  },
};

type Producer = Pick<Queue, "sendBatch">;

/**
 * The binding, if it is a queue. A service binding seems to have every method, but unlike a queue it also has `fetch`.
 */
function producerOf(name: string, env: Env): Producer | null {
  const bound = Object.entries(env).find(([binding]) => binding === name && !OWN.has(name))?.[1] as unknown;
  if (typeof bound !== "object" || bound === null) return null;
  const { sendBatch, fetch } = bound as Record<string, unknown>;
  return typeof sendBatch === "function" && fetch === undefined ? (bound as Producer) : null;
}

async function put(
  part: readonly Outgoing[],
  binding: string,
  producer: Producer,
  attempt: Attempt,
): Promise<Outcome> {
  const began = Date.now();
  const messages = part.map(({ text }) => ({
    body: JSON.parse(text) as unknown,
    contentType: "json" as const,
  }));
  let failure: string | null = null;
  try {
    attempt.signal.throwIfAborted();
    await withinTime(producer.sendBatch(messages), attempt.signal);
  } catch (error) {
    failure = attempt.signal.aborted ? "no answer within 15 seconds" : wordsOf(error);
  }
  const shown = part.map(({ text }) => text).join("\n");
  attempt.note({
    request: { method: "sendBatch", url: `queue:${binding}`, headers: {}, body: shown },
    response: failure === null ? { status: 200, headers: {}, body: "" } : null,
    error: failure,
    took: Date.now() - began,
  });
  return failure === null ? outcome("delivered", null) : outcome(resultOf(failure), `not taken: ${failure}`);
}

function wordsOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 200);
}

/**
 * The binding throws "Queue sendBatch failed: <the status's words>"; above its rate of 5,000 messages/s, Too Many
 * Requests.
 */
const RESULTS: readonly [words: RegExp, DeliveryResult][] = [
  [/too many requests|rate limit|overloaded/i, "slow_down"],
  [/too large|exceeds|bad request/i, "refused"],
  [/not found|forbidden|unauthorized/i, "denied"],
];

function resultOf(words: string): DeliveryResult {
  return RESULTS.find(([told]) => told.test(words))?.[1] ?? "unavailable";
}

function outcome(result: DeliveryResult, reason: string | null): Outcome {
  return { result, reason, status: null, retryAfter: null };
}
