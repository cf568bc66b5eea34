// The contract that every provider implements: how a request proves its origin, and which events its body contains.
// Other programs build on these shapes.

import type { UnknownWord } from "../model/unknown-word.ts";
import type { ParsedEvent } from "../model/event.ts";

/** A request as it arrived, before its origin is proved. */
export interface InboundRequest {
  method: string;
  url: string;
  headers: Headers;
  /** The body, byte for byte: signatures are checked over these. */
  body: Uint8Array;
}

/** A request before its body is read. */
export type RequestHead = Pick<InboundRequest, "method" | "url" | "headers">;

/** What `verify` may use beside the request and the credentials. */
export interface VerifyContext {
  /** The time, ms since the epoch. */
  now: number;
  /** The only network access, for a verification that has to fetch a certificate. */
  fetch: typeof fetch;
  /** The source's settings from the configuration. */
  settings: Record<string, unknown>;
}

/**
 * Accepted, or refused for a reason that goes to the log alone, never into an answer. `isTest`: it is only a test post,
 * signed with a key that everybody knows, so it is answered and not kept. `isBare`: the request presented nothing that
 * could be a guess.
 */
export type VerifyResult = { ok: true; isTest?: true } | { ok: false; reason: string; isBare?: true };

/**
 * An accepted request as it is stored and parsed: `headers` holds only those that the provider lists, `url` no secrets.
 */
export interface Delivery {
  method: string;
  url: string;
  headers: Headers;
  body: Uint8Array;
  /** ms since the epoch */
  receivedAt: number;
  settings: Record<string, unknown>;
}

/** The result of parsing. Every element of the delivery is counted in exactly one of the three. */
export interface ParsedDelivery {
  events: ParsedEvent[];
  rejects: Reject[];
  /** Elements that only test the connection, such as test posts. */
  pings: number;
  /** Words of its events that the provider's tables do not know; left out if there are none. */
  unknown?: UnknownWord[];
}

/** An element that could not become an event: the reason, and the element's own text. */
export interface Reject {
  reason: string;
  raw: string;
}

/**
 * The answer that a provider expects in place of a plain 200 when a URL is set up; nothing of such a request is stored.
 * It is either a body to answer with, or a URL of the provider's to fetch (https; the provider's file checks its host).
 */
export type Handshake = { respond: string; contentType: string } | { confirm: string };

/** One email service provider (ESP): how its requests are authenticated and read. */
export interface Provider {
  /** Lower case; also the default name of a source. */
  id: string;
  /** Request headers that `parse` needs, lower case; only these travel in the envelope. */
  headers: readonly string[];
  /** Checks that the request comes from this provider. Never throws; the reason of a refusal is for the log alone. */
  verify(
    request: InboundRequest,
    credentials: readonly string[],
    context: VerifyContext,
  ): Promise<VerifyResult>;
  /**
   * What URL and headers prove, before the body is read: accepted or refused, whatever the body is; null if the body
   * decides. Never throws. A provider that leaves this out always needs the body.
   */
  verifyHead?(
    head: RequestHead,
    credentials: readonly string[],
    context: Pick<VerifyContext, "now" | "settings">,
  ): VerifyResult | null;
  /**
   * Whether a credential can prove anything. Providers with public keys or topics say no to what is public without being
   * one of theirs, such as a key with a slip of the pen. By default every credential can.
   */
  canProve?(credential: string): boolean;
  /**
   * The largest body, in bytes, that this provider signs. A longer one is not read to its end, unless URL and headers
   * prove the request. By default every body within the general limit is read.
   */
  longestSigned?: number;
  /**
   * The body without what proves its origin (signatures, tokens, links that act by themselves), for whoever may read
   * what is stored must not be able to use it again. `parse` reads the result like the original. Applied twice, it
   * changes nothing more. Pure, never throws. Providers whose proof is in the headers leave this out.
   */
  withoutProof?(body: Uint8Array): Uint8Array;
  /** Reads the events of a delivery that was verified. Pure, synchronous, never throws. */
  parse(delivery: Delivery): ParsedDelivery;
  /** Returns the handshake that a verified request asks for, null for an ordinary delivery. Pure, never throws. */
  handshake?(request: InboundRequest, delivery: Delivery): Handshake | null;
  /**
   * For providers that ask by an OPTIONS request whether they may post to a URL: the headers of the answer, null for
   * any other OPTIONS request. They are sent only if URL and headers prove the request. Pure, never throws.
   */
  consent?(head: RequestHead): Record<string, string> | null;
  /**
   * The elements in the order in which `parse` numbers them, so that one can be shown as it came (numbers are
   * JSON.rawJSON if a double would change them). Providers whose body is a JSON document leave this out: its elements
   * are the items of the array, or the document itself.
   */
  elements?(delivery: Delivery): unknown[];
  /**
   * The one mailing list or stream that an unsubscribe, subscribe or complaint is about; null if it is about all mail.
   * Never throws. Providers that name no list leave this out.
   */
  scopeOf?(element: unknown): string | null;
  /** Whether the provider delivers by GET, with the data in the query. A GET without data is a probe nevertheless. */
  deliversByGet?: boolean;
}
