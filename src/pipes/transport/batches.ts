// What kinds that hand on messages one by one have in common: cutting a batch by what the destination takes in a request,
// putting together what became of each event, and the names under which a receiver finds what tells repeats.

import { sha256Hex } from "../../lib/sha256.ts";
import type { Attempt, Outcome, Outgoing, DeliveryResult } from "../kinds/kind.ts";

type Failure = NonNullable<Outcome["failed"]>[number];

/** Like {@link Failure}, and `denied`: the destination answered for this event that nobody gets anything through. */
export type ItemFailure = Omit<Failure, "result"> & { result: Failure["result"] | "denied" };

export interface RequestLimits {
  /** Most events in a request. */
  events: number;
  /** Most bytes in a request, by the measure of `sizeOf`. An event larger than that goes alone. */
  bytes: number;
  /** Most bytes of one event; larger ones are refused without asking. */
  one: number;
}

/** Bytes of the text in UTF-8. */
export function bytesOf(text: string): number {
  return Buffer.byteLength(text);
}

/** What stands for a contact where destinations keep an order: no address, the same for all of its events. 32 letters. */
export function orderKey({ contact, id }: Pick<Outgoing, "contact" | "id">): string {
  if (contact === null) return id;
  return sha256Hex(`contact\0${contact}`).slice(0, 32);
}

/** What travels beside each event where the protocol has attributes or headers for it. */
export function attributesOf(event: Outgoing, attempt: Attempt): Record<string, string> {
  return { "tidings-event": event.id, "tidings-type": event.type, "tidings-attempt": attempt.id };
}

/**
 * Sends a batch in as few requests as the limits allow (one, as pipes cut their batches), in order. What is too large is
 * refused and does not keep its neighbours. A request that is refused whole is made again in halves, because one of its
 * events alone may be to blame; where it had all of the batch, that is left to dispatch.ts. Once a request fails, those
 * after it are not made.
 */
export async function deliverInRequests(
  batch: readonly Outgoing[],
  sizeOf: (event: Outgoing) => number,
  limits: RequestLimits,
  send: (part: readonly Outgoing[]) => Promise<Outcome>,
): Promise<Outcome> {
  const { parts, failed } = cut(batch, sizeOf, limits);
  const [only] = parts;
  if (only !== undefined && parts.length === 1 && failed.length === 0) return await send(batch);
  let answered: Pick<Outcome, "status" | "retryAfter"> = { status: null, retryAfter: null };
  for (const [at, part] of parts.entries()) {
    const outcome = await send(part.map(({ event }) => event));
    answered = { status: outcome.status, retryAfter: outcome.retryAfter };
    const { result, reason } = outcome;
    const items = outcome.failed?.flatMap((one) => {
      const index = part[one.index]?.index;
      return index === undefined ? [] : [{ ...one, index }];
    });
    if (result === "refused" && items === undefined && part.length > 1) {
      const half = part.length >> 1;
      parts.splice(at + 1, 0, part.slice(0, half), part.slice(half)); // the next ones of this loop
      continue;
    }
    if (result === "delivered" || result === "refused") {
      const all = part.map(({ index }) => ({ index, result: "refused" as const, reason: reason ?? "" }));
      failed.push(...(items ?? (result === "refused" ? all : [])));
      continue;
    }
    const left = parts.slice(at).flat();
    if (failed.length + left.length === batch.length) return outcome; // nothing got through: as if it were the only one
    const rest = result === "slow_down" ? "slow_down" : "unavailable";
    failed.push(
      ...left.map(({ index }) => ({ index, result: rest, reason: reason ?? "" }) satisfies Failure),
    );
    break;
  }
  return outcomeOfItems(batch.length, failed, answered);
}

interface Placed {
  index: number;
  event: Outgoing;
}

function cut(
  batch: readonly Outgoing[],
  sizeOf: (event: Outgoing) => number,
  { events, bytes, one }: RequestLimits,
): { parts: Placed[][]; failed: ItemFailure[] } {
  const parts: Placed[][] = [];
  const failed: ItemFailure[] = [];
  let current: Placed[] = [];
  let total = 0;
  for (const [index, event] of batch.entries()) {
    const size = sizeOf(event);
    if (size > one) {
      failed.push({
        index,
        result: "refused",
        reason: `is too large: ${size} bytes, and at most ${one} pass`,
      });
      continue;
    }
    if (current.length === 0 || current.length === events || total + size > bytes) {
      parts.push((current = []));
      total = 0;
    }
    current.push({ index, event });
    total += size;
  }
  return { parts, failed };
}

/**
 * The outcome of a batch of `count` whose destination answered event by event. Where it took none, the result is the one
 * that leaves most open: to slow down, else to try again, else that all are refused.
 */
export function outcomeOfItems(
  count: number,
  items: readonly ItemFailure[],
  { status, retryAfter }: Pick<Outcome, "status" | "retryAfter">,
): Outcome {
  const of = (result: DeliveryResult): ItemFailure | undefined =>
    items.find((item) => item.result === result);
  const failed: Failure[] = items
    .map(({ index, result, reason }) => {
      return { index, result: result === "denied" ? ("unavailable" as const) : result, reason };
    })
    .sort((one, other) => one.index - other.index);
  if (failed.length === 0) return { result: "delivered", reason: null, status, retryAfter };
  if (failed.length < count) {
    const reason = `${failed.length} of ${count} not taken: ${failed[0]?.reason}`;
    return { result: "delivered", reason, status, retryAfter, failed };
  }
  const worst = of("slow_down") ?? of("denied") ?? of("unavailable") ?? items[0];
  const result = worst?.result ?? "refused";
  const outcome = { result, reason: worst?.reason ?? null, status, retryAfter };
  return result === "denied" ? outcome : { ...outcome, failed };
}
