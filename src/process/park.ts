// Parks parts of envelopes. If one of several databases does not take its events, because it is down, full, or gives a
// range of contacts away, the others go on: what it lacks goes back into the queue as a pointer to the archive, and the
// envelope is done. The pointer names the ranges of contacts whose events are to be stored yet, and no address. It is worked
// off like any envelope: it claims its events again, so nothing is stored of somebody who was erased in between.
//
// The pointer is in the queue before the envelope is acknowledged. If the process ends between the two, the envelope comes
// again and is parked again, and storing it twice changes nothing.

import { contactPrefix } from "../model/event-id.ts";
import { encodeParked } from "../model/envelope.ts";
import { rangeAround, type PrefixRange, type ShardMap } from "../model/storage/shards.ts";
import { within } from "../lib/deadline.ts";
import type { ParsedEnvelope } from "./parse.ts";

/** Deadline for the queue, ms. */
const DEADLINE = 10_000;
/** For how long a part is parked before it is tried for the first time, seconds. */
const PARKED_FOR = 10;
/** The most messages of one call (https://developers.cloudflare.com/queues/platform/limits/). */
const MOST_SENT = 100;

/**
 * Whether a part of an envelope may be parked. A part is not parked again but retried, so that it waits longer each time.
 * A replayed envelope is retried whole: its dead letters go only when all of it is stored.
 */
export function mayBeParked({ envelope, parked }: ParsedEnvelope): boolean {
  return envelope.replay !== true && parked === undefined;
}

/** Parks the contacts (normalised addresses) of these envelopes. Rejects if the queue does not take them all. */
export async function park(
  queue: Env["QUEUE"],
  parts: ReadonlyMap<ParsedEnvelope, ReadonlySet<string>>,
  map: ShardMap,
): Promise<void> {
  const messages = [...parts].map(([{ envelope, batch, line }, contacts]) => ({
    body: encodeParked(envelope, batch, { line, ranges: rangesAround(map, contacts) }),
    contentType: "bytes" as const,
    delaySeconds: PARKED_FOR,
  }));
  for (let at = 0; at < messages.length; at += MOST_SENT)
    await within(DEADLINE, "the queue", queue.sendBatch(messages.slice(at, at + MOST_SENT)));
}

function rangesAround(map: ShardMap, contacts: ReadonlySet<string>): PrefixRange[] {
  const ranges = new Map<string, PrefixRange>();
  for (const contact of contacts) {
    const range = rangeAround(map, contactPrefix(contact));
    ranges.set(range.lo, range);
  }
  return [...ranges.values()];
}
