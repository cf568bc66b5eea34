// Events that reach the queue without our ingest: Cloudflare Email Service writes its own, one JSON object a message.

import { createHash } from "node:crypto";
import type { Envelope } from "../model/envelope.ts";
import { timeId } from "../model/id.ts";
import { cloudflare, EVENT_PREFIX } from "../providers/cloudflare.ts";

/** Whether a message's body is such an event and not one of our frames. */
export function isEmailEvent(body: unknown): boolean {
  return hasType(body) && typeof body.type === "string" && body.type.startsWith(EVENT_PREFIX);
}

function hasType(body: unknown): body is { type: unknown } {
  return typeof body === "object" && body !== null && "type" in body;
}

/** The envelope of such a message. Its id follows from the message's, so that a redelivery is the same envelope. */
export function ofEmailEvent({ id, timestamp, body }: Message): Envelope {
  const receivedAt = timestamp.getTime();
  return {
    id: timeId(receivedAt, createHash("sha256").update(id).digest()),
    source: cloudflare.id,
    provider: cloudflare.id,
    receivedAt,
    method: "POST",
    url: "https://queue.invalid/tidings-email-events",
    headers: [],
    body: new TextEncoder().encode(JSON.stringify(body)),
  };
}
