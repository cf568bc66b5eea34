// Deliveries for parsers, and the bytes they consist of.

import type { Delivery, Provider } from "../../src/providers/index.ts";

/** The text in UTF-8. */
export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A delivery with this body, and with the query's parameters in its URL. */
export function deliveryOf(provider: Provider, body: Uint8Array, query = "?event=open"): Delivery {
  const url = `https://tidings.test/webhooks/${provider.id}${query}`;
  return { method: "POST", url, headers: new Headers(), body, receivedAt: 1.7e12, settings: {} };
}
