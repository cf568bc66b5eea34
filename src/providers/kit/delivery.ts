// From the envelope to what a provider's parser is given, and from a delivery back to one of its elements.

import type { Envelope } from "../../model/envelope.ts";
import { jsonElements } from "./elements.ts";
import { parseVerbatim } from "./json.ts";
import type { Delivery, Provider } from "../provider.ts";

/** The delivery that an envelope carries. `settings`: the source's. */
export function deliveryOf(envelope: Envelope, settings: Record<string, unknown>): Delivery {
  const { method, url, headers, body, receivedAt } = envelope;
  return { method, url, headers: new Headers(headers), body, receivedAt, settings };
}

/** The provider's own elements, their numbers written as they came; none where the body cannot be read. */
function elementsOf(provider: Provider, delivery: Delivery): unknown[] {
  if (provider.elements !== undefined) return provider.elements(delivery);
  const elements = jsonElements(delivery, parseVerbatim);
  return elements.ok ? elements.value : [];
}

/**
 * Looks up the list or stream that an element of the delivery is about, `<provider>:<list>`; undefined for none. The body is
 * read again for this, but only when somebody asks, and once.
 */
export function scopesOf(provider: Provider, delivery: Delivery): (index: number) => string | undefined {
  let elements: unknown[] | undefined;
  return (index) => {
    if (provider.scopeOf === undefined) return undefined;
    try {
      elements ??= elementsOf(provider, delivery);
      const list = provider.scopeOf(elements[index]);
      return list === null ? undefined : `${provider.id}:${list}`;
    } catch {
      return undefined; // about all mail, then, which is never wrong; the event itself was read already
    }
  };
}

/** The provider's own element, its numbers written as they came; undefined where there is none at `index`. */
export function elementAt(provider: Provider, delivery: Delivery, index: number): unknown {
  return elementsOf(provider, delivery)[index];
}
