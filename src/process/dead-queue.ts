// The consumer of the platform's dead-letter queue, behind which there is nothing but the bucket. Its messages failed a
// hundred times, and what ended their consumer may end this one, too. So it puts each message into the bucket as it is
// and acknowledges it, and a scheduled job looks at it afterwards (given-up.ts).

import { within } from "../lib/deadline.ts";
import { describeError } from "../lib/outage.ts";
import { putGivenUp } from "../store/bucket/given-up.ts";
import { retryDelay } from "./retry.ts";

/** Deadline for each call to the bucket, ms. */
const DEADLINE = 30_000;

/**
 * Whether a queue is the platform's dead-letter queue, by its name. In a copy beside production every name has the
 * environment's behind it, or before it, so the first word that tells a queue's purpose decides.
 */
export function isDeadQueue(name: string): boolean {
  return /(?:^|-)(dead|deliveries|email-events)(?:-|$)/.exec(name)?.[1] === "dead";
}

/** Puts each message into the bucket, unread. Every message ends acknowledged or retried. Never rejects. */
export async function consumeDeadQueue(batch: MessageBatch, env: Env): Promise<void> {
  for (const message of batch.messages) {
    try {
      await within(DEADLINE, "the bucket", putGivenUp(env.BUCKET, message, "failed"));
      message.ack();
    } catch (error) {
      const { attempts } = message;
      console.error({ message: "a given-up message could not be kept", attempts, ...describeError(error) });
      message.retry({ delaySeconds: retryDelay(attempts, Math.random()) });
    }
  }
}
