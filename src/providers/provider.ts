// The contract every provider keeps: how a request proves where it comes from, and what events its body tells.
// Other programs build on these shapes.

import type { ParsedEvent } from "../model/event.ts";

export interface InboundRequest {
  method: string;
  url: string;
  headers: Headers;
  /** The body, byte for byte: signatures are checked over these. */
  body: Uint8Array;
}

export interface VerifyContext {
  /** The time, ms since the epoch. */
  now: number;
  /** The only way out for a verification that needs a certificate. */
  fetch: typeof fetch;
  /** The source's settings from the configuration. */
  settings: Record<string, unknown>;
}

export type VerifyResult = { ok: true } | { ok: false; reason: string };

/** An accepted request as it travelled: `headers` are only those that the provider named, `url` is without secrets. */
export interface Delivery {
  method: string;
  url: string;
  headers: Headers;
  body: Uint8Array;
  /** ms since the epoch */
  receivedAt: number;
  settings: Record<string, unknown>;
}

/** N elements in = N accounted for, in exactly one of the three. */
export interface ParsedDelivery {
  events: ParsedEvent[];
  rejects: Reject[];
  /** Elements that only show that the provider's end is alive: test posts. */
  pings: number;
}

/** An element that could not become an event: why, and its own text. */
export interface Reject {
  reason: string;
  raw: string;
}

/**
 * What a provider wants in place of a plain 200 when a URL is set up; nothing of such a request is kept. Either a body to
 * answer with, or a URL of the provider's that has to be fetched (https; the provider's file checks its host).
 */
export type Handshake = { respond: string; contentType: string } | { confirm: string };

export interface Provider {
  /** Also the default source name. */
  id: string;
  /** Request headers that `parse` needs, lower case; only these travel in the envelope. */
  headers: readonly string[];
  /** Whether the request comes from this provider. Never throws; the reason is for the log alone. */
  verify(
    request: InboundRequest,
    credentials: readonly string[],
    context: VerifyContext,
  ): Promise<VerifyResult>;
  /** Pure, synchronous, never throws. Only for deliveries that were verified. */
  parse(delivery: Delivery): ParsedDelivery;
  /** The handshake that a verified request asks for, or null for an ordinary delivery. Pure, never throws. */
  handshake?(request: InboundRequest, delivery: Delivery): Handshake | null;
  /**
   * The elements that `parse` numbers, for showing one as it came (numbers as JSON.rawJSON where a double would change
   * them). Left out where the body is a JSON document: an array's items, or the document itself.
   */
  elements?(delivery: Delivery): unknown[];
  /**
   * The one list or stream that an element of an unsubscribe, subscribe or complaint is about; null where it is about all
   * mail. Never throws. Left out where the provider names none.
   */
  scopeOf?(element: unknown): string | null;
  /** Whether it delivers by GET, with the data in the query. A GET without data is a probe all the same. */
  deliversByGet?: boolean;
}
