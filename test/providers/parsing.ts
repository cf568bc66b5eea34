// Deliveries for parsers, and the bytes they consist of.

import type { Delivery, Provider } from "../../src/providers/index.ts";

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

export function deliveryOf(provider: Provider, body: Uint8Array, query = "?event=open"): Delivery {
  const url = `https://tidings.test/webhooks/${provider.id}${query}`;
  return { method: "POST", url, headers: new Headers(), body, receivedAt: 1.7e12, settings: {} };
}
