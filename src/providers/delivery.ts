// From the envelope to what a provider's parser is given, and from a delivery back to one of its elements.

import type { Envelope } from "../model/envelope.ts";
import { jsonElements } from "./elements.ts";
import { parseVerbatim } from "./json.ts";
import type { Delivery, Provider } from "./provider.ts";

/** The delivery that an envelope carries. `settings`: the source's. */
export function deliveryOf(envelope: Envelope, settings: Record<string, unknown>): Delivery {
  const { method, url, headers, body, receivedAt } = envelope;
  return { method, url, headers: new Headers(headers), body, receivedAt, settings };
}

/** The provider's own element, its numbers written as they came; undefined where there is none at `index`. */
export function elementAt(provider: Provider, delivery: Delivery, index: number): unknown {
  if (provider.elements !== undefined) return provider.elements(delivery)[index];
  const elements = jsonElements(delivery, parseVerbatim);
  return elements.ok ? elements.value[index] : undefined;
}
