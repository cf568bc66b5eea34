// Events that reach a queue without our ingest: Cloudflare Email Service writes them itself, one JSON object per
// message.

import { sha256 } from "../lib/sha256.ts";
import type { Envelope } from "../model/envelope.ts";
import { cloudflare, EVENT_PREFIX } from "../providers/cloudflare.ts";
import { timeId } from "../lib/time-id.ts";
import type { QueuedMessage } from "../store/bucket/given-up.ts";
import { isObject } from "../providers/kit/json.ts";

/** Whether a message's body is an event of Cloudflare Email Service, and not one of our frames. */
export function isEmailEvent(body: unknown): boolean {
  return isObject(body) && typeof body["type"] === "string" && body["type"].startsWith(EVENT_PREFIX);
}

/**
 * The envelope of such a message. Its id is derived from the event and not from the message, so that it stays the same
 * when the platform moves the event to another queue. With a different id, its events would count as duplicates of the
 * claims that it made itself. The price: an event that the service sends twice is stored once, but not counted as a
 * repeat.
 */
export function ofEmailEvent({ timestamp, body }: QueuedMessage): Envelope {
  const text = JSON.stringify(body);
  return {
    id: timeId(timeOf(body), sha256(text)),
    source: cloudflare.id,
    provider: cloudflare.id,
    receivedAt: timestamp.getTime(),
    method: "POST",
    url: "https://queue.invalid/tidings-email-events",
    headers: [],
    body: new TextEncoder().encode(text),
  };
}

/** When the service made the event, ms since the epoch; 0 if unknown. The id only sorts by it. */
function timeOf(body: unknown): number {
  const metadata = isObject(body) ? body["metadata"] : null;
  const time = isObject(metadata) ? metadata["eventTimestamp"] : null;
  return typeof time === "string" ? Date.parse(time) || 0 : 0;
}
