// Reads deliveries of providers that follow Standard Webhooks beyond the signature: one JSON event each, with an id
// that every attempt repeats
// (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).

import { jsonElements, parseElements, type ElementResult } from "../elements.ts";
import { LONGEST, text } from "../fields.ts";
import type { JsonObject } from "../json.ts";
import type { Delivery, ParsedDelivery } from "../../provider.ts";

/** The values of a delivery that are needed to read an element. */
export interface WebhookContext {
  index: number;
  /** ms */
  receivedAt: number;
  /**
   * The event's own id; null unless the delivery holds exactly one event, because several with one id would count as
   * one.
   */
  eventId: string | null;
}

/** Reads each element of the body with `readElement`, as {@link parseElements} does. */
export function parseStandardWebhook(
  delivery: Delivery,
  readElement: (element: JsonObject, context: WebhookContext) => ElementResult,
): ParsedDelivery {
  const { headers, receivedAt } = delivery;
  const elements = jsonElements(delivery);
  const alone = elements.ok && elements.value.length === 1;
  // Svix's older name means the same.
  const eventId = alone ? text(headers.get("webhook-id") ?? headers.get("svix-id"), LONGEST.id) : null;
  return parseElements(delivery, elements, (element, index) =>
    readElement(element, { index, receivedAt, eventId }),
  );
}
