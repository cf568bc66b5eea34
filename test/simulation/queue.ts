// The platform's queues with all behaviour that their documentation allows: at least once, in any order, in batches of
// any size, the same message to two consumers, lost acknowledgements, and the dead-letter queue after the last retry,
// where a message may have another id.

import type { Random } from "../../src/demo/traffic/random.ts";

/** A message in a queue; times in ms. */
export interface QueueMessage {
  id: number;
  body: Uint8Array;
  /** ms */
  sentAt: number;
  visibleAt: number;
  /** Deliveries so far. */
  attempts: number;
}

/** A message that a consumer holds, and the consumer's acknowledgement or retry. */
export interface Delivered {
  message: QueueMessage;
  said: "nothing" | "ack" | { delay: number };
}

/** The queue and its dead-letter queue. */
export interface Queues {
  main: QueueMessage[];
  dead: QueueMessage[];
  nextId: number;
  /** After how many retries a message is given up. */
  retries: number;
}

/** The consumers' `retry_delay`, ms: how long a message waits whose consumer said nothing about it. */
const RETRY_DELAY = 300_000;

/** Empty queues. */
export function makeQueues(retries: number): Queues {
  return { main: [], dead: [], nextId: 1, retries };
}

/** Larger messages are refused, as by the platform, bytes. */
const MOST_BYTES = 128_000;

/** Puts messages into the queue; `now`: ms. Throws for a message that is not bytes or is too large. */
export function enqueue(queues: Queues, bodies: readonly unknown[], now: number): void {
  for (const body of bodies) {
    if (!(body instanceof Uint8Array)) throw new TypeError("a message that is not bytes");
    if (body.length > MOST_BYTES) throw new RangeError("a message over the limit");
    const message = { id: queues.nextId++, body: body.slice(), sentAt: now, visibleAt: now, attempts: 0 };
    queues.main.push(message);
  }
}

/** Hands out at most `most` visible messages; sometimes one of them stays visible for another consumer. */
export function take(
  queues: Queues,
  which: "main" | "dead",
  most: number,
  now: number,
  random: Random | null,
): Delivered[] {
  const queue = queues[which];
  const taken: Delivered[] = [];
  while (taken.length < most) {
    const visible = queue.filter(({ visibleAt }) => visibleAt <= now);
    const message = visible[random === null ? 0 : random.between(0, visible.length - 1)];
    if (message === undefined) break;
    message.attempts += 1;
    queue.splice(queue.indexOf(message), 1);
    taken.push({ message, said: "nothing" });
    if (random?.chance(0.05) === true) queue.push({ ...message, visibleAt: now + 1 });
  }
  return taken;
}

/**
 * Settles the messages once the consumer has ended: as it decided, or, if it `died`, all are redelivered, acknowledged
 * ones included, after the retry delay or sooner.
 */
export function settle(
  queues: Queues,
  which: "main" | "dead",
  delivered: readonly Delivered[],
  died: boolean,
  now: number,
  random: Random | null,
): void {
  for (const { message, said } of delivered) {
    const lost = random?.chance(0.05) === true;
    if (!died && !lost && (said === "ack" || said === "nothing")) continue;
    const unsaid = random?.chance(0.3) === true ? 0 : RETRY_DELAY;
    const delay = died ? unsaid : typeof said === "object" ? said.delay * 1_000 : 0;
    if (which === "main" && message.attempts > queues.retries && !lost) {
      const id = random?.chance(0.5) === true ? queues.nextId++ : message.id;
      const attempts = random?.pick([0, 18, 19]) ?? 0;
      queues.dead.push({ ...message, id, sentAt: now, visibleAt: now, attempts });
    } else queues[which].push({ ...message, visibleAt: now + delay });
  }
}

/** The batch as the Worker's handler sees it. */
export function batchOf(queue: string, delivered: readonly Delivered[]): MessageBatch {
  const messages = delivered.map((one): Message => {
    const { id, sentAt, attempts, body } = one.message;
    return {
      id: `m${id}`,
      timestamp: new Date(sentAt),
      attempts,
      body,
      // The first decision counts.
      ack: () => void (one.said = one.said === "nothing" ? "ack" : one.said),
      retry: (options) =>
        void (one.said = one.said === "nothing" ? { delay: options?.delaySeconds ?? 0 } : one.said),
    };
  });
  return {
    queue,
    messages,
    ackAll: () => messages.forEach((message) => message.ack()),
    retryAll: (options) => messages.forEach((message) => message.retry(options)),
    metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } },
  };
}
