// What a kind of pipe is: its settings, its limits, and how it delivers a batch. One file each, and a line in index.ts.

import type * as z from "zod";
import type { Exchange, PipeFetch } from "../transport/http.ts";

/** One event on its way to a destination. */
export interface Outgoing {
  /** The event's id: the same with every attempt, so that receivers can tell repeats. */
  id: string;
  /** The event's type: `delivered`, `contact.suppressed`, ... */
  type: string;
  /** The address it is about; null where it is about none. Destinations that keep an order keep it by this. */
  contact: string | null;
  /** When it happened, ms since the epoch. */
  at: number;
  /** The payload as JSON text, in the form that the pipe asks for. */
  text: string;
  /** The event as /v1/events shows it, or an extra one with its `data`. */
  event: Record<string, unknown>;
}

/** One attempt to deliver a batch. */
export interface Attempt {
  /** Distinct for each attempt, redeliveries included. */
  id: string;
  /** ms since the epoch */
  now: number;
  /** Fetches within the attempt's deadline and the rules of http.ts, and notes what went over the wire. */
  fetch: PipeFetch;
  /** Notes what went over a wire that is not HTTP, for the log and for `test`. Secrets are left out by who notes. */
  note(exchange: Exchange): void;
  /** Aborted when the attempt's time is up (15 s). */
  signal: AbortSignal;
  /** Whether this machine may be called, without TLS too: local development. */
  loopback: boolean;
  env: Env;
  /** For what outlives an attempt, such as an access token: lost with the isolate. Keyed by whatever it depends on. */
  kept: Map<string, { value: unknown; until: number }>;
}

/**
 * What became of a batch, or of one event in it.
 * - `delivered`: the destination has it.
 * - `refused`: the destination does not want this event, and would not tomorrow (a 400, too large, not its schema).
 * - `unavailable`: nobody answered, or not now (a timeout, 408, 5xx).
 * - `slow_down`: it answers, and asks for less (429, throttling): the event was not to blame.
 * - `denied`: credentials or address of the destination are wrong (401, 403, 404): no event would get through.
 * - `gone`: it asks never to be called again (410).
 */
export type DeliveryResult = "delivered" | "refused" | "unavailable" | "slow_down" | "denied" | "gone";

export interface Outcome {
  result: DeliveryResult;
  /** Why, in words for people; never a secret, nor an address. */
  reason: string | null;
  /** The response's status, where there is one. */
  status: number | null;
  /** ms that the destination asked to be left alone for. */
  retryAfter: number | null;
  /** Where the destination answers event by event: those that it did not take, by index in the batch. */
  failed?: { index: number; result: "refused" | "unavailable" | "slow_down"; reason: string }[];
}

export interface Kind<S = unknown> {
  id: string;
  /** One line on what it is. */
  title: string;
  /** Of all settings, strict, with messages for people: every issue's path names the field. */
  settings: z.ZodType<S>;
  /** Names of top-level settings that are stored encrypted and never shown. */
  secrets: readonly string[];
  /**
   * Makes the secret that a person left to us, or one `more` beside those that are there; null where there is nothing to
   * make. `passed`: settings as they were passed, not checked yet; `made`: shown to the person once.
   */
  makeSecret?(
    passed: Readonly<Record<string, unknown>>,
    more: boolean,
  ): Promise<{ settings: Record<string, unknown>; made: Record<string, string> } | null>;
  /** Most events and bytes of payload in one request, as the destination's documentation has it. */
  batch: { events: number; bytes: number };
  /** The same for a pipe with these settings, where they have a say in it; never more than `batch`. */
  batchOf?(settings: S): { events: number; bytes: number };
  /** Delivers a batch of 1 to `batch.events` (`batchOf`, where there is one). Rejects for nothing but a mistake of its own. */
  deliver(batch: readonly Outgoing[], settings: S, attempt: Attempt): Promise<Outcome>;
}
