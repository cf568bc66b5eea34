// Turns an envelope into the delivery that a provider's parser takes, and finds a delivery's elements again.

import type { Envelope } from "../../model/envelope.ts";
import { jsonElements, verbatim } from "./elements.ts";
import type { Delivery, Provider } from "../provider.ts";

/** The delivery in an envelope; `settings` are those of its source. */
export function deliveryOf(envelope: Envelope, settings: Record<string, unknown>): Delivery {
  const { method, url, headers, body, receivedAt } = envelope;
  return { method, url, headers: new Headers(headers), body, receivedAt, settings };
}

const jsonItems = verbatim(jsonElements);

/** The provider's own elements, with numbers as they were written; an empty list if the body cannot be read. */
function elementsOf(provider: Provider, delivery: Delivery): unknown[] {
  return provider.elements?.(delivery) ?? jsonItems(delivery);
}

/**
 * Returns a function that finds elements by their index; undefined if there is no such element. It parses the body
 * again, but only once and only when it is called.
 */
export function elementFinder(provider: Provider, delivery: Delivery): (index: number) => unknown {
  let elements: unknown[] | undefined;
  return (index) => {
    elements ??= elementsOf(provider, delivery);
    return elements[index];
  };
}

/**
 * Returns a function that looks up the list or stream that an element is about, `<provider>:<list>`, or undefined for
 * all mail. It parses the body again, but only once and only when it is called.
 */
export function scopesOf(provider: Provider, delivery: Delivery): (index: number) => string | undefined {
  const elementOf = elementFinder(provider, delivery);
  return (index) => {
    if (provider.scopeOf === undefined) return undefined;
    try {
      const list = provider.scopeOf(elementOf(index));
      return list === null ? undefined : `${provider.id}:${list}`;
    } catch {
      return undefined; // counts as all mail, which is always a safe answer; the event itself was read before
    }
  };
}

/**
 * The provider's own element at `index`, with numbers as they were written; undefined if the delivery has no such
 * element.
 */
export function elementAt(provider: Provider, delivery: Delivery, index: number): unknown {
  return elementsOf(provider, delivery)[index];
}
