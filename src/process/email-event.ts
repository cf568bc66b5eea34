// Events that reach the queue without our ingest: Cloudflare Email Service writes its own, one JSON object a message.

import { createHash } from "node:crypto";
import type { Envelope } from "../model/envelope.ts";
import { cloudflare, EVENT_PREFIX } from "../providers/cloudflare.ts";
import { timeId } from "../lib/time-id.ts";
import { isObject } from "../providers/kit/json.ts";

/** Whether a message's body is such an event and not one of our frames. */
export function isEmailEvent(body: unknown): boolean {
  return isObject(body) && typeof body["type"] === "string" && body["type"].startsWith(EVENT_PREFIX);
}

/**
 * The envelope of such a message. Its id follows from the event, and not from the message, so that it stays the same
 * envelope when the platform moves the event to another queue: under another id, what it claimed before would count as a
 * duplicate's. The price is that an event which the service itself sends twice is stored once, but not counted as a repeat.
 */
export function ofEmailEvent({ timestamp, body }: Message): Envelope {
  const text = JSON.stringify(body);
  return {
    id: timeId(timeOf(body), createHash("sha256").update(text).digest()),
    source: cloudflare.id,
    provider: cloudflare.id,
    receivedAt: timestamp.getTime(),
    method: "POST",
    url: "https://queue.invalid/tidings-email-events",
    headers: [],
    body: new TextEncoder().encode(text),
  };
}

/** When the service made the event, ms; it only helps the id to sort. */
function timeOf(body: unknown): number {
  const metadata = isObject(body) ? body["metadata"] : null;
  const time = isObject(metadata) ? metadata["eventTimestamp"] : null;
  return typeof time === "string" ? Date.parse(time) || 0 : 0;
}
