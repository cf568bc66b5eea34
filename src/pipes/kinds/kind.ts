// What a kind of pipe is: its settings, its limits, and how it delivers a batch. Each kind is one file and a line in
// index.ts.

import type * as z from "zod";
import type { Exchange, PipeFetch } from "../transport/exchange.ts";

/** One event on its way to a destination. */
export interface Outgoing {
  /** The event's id. It is the same in every attempt, so that receivers recognise repeats. */
  id: string;
  /** The event's type: `delivered`, `contact.suppressed`, ... */
  type: string;
  /** The address that it is about; null if it is about none. Destinations that keep an order order by it. */
  contact: string | null;
  /** When it happened, ms since the epoch. */
  at: number;
  /** The payload as JSON text, in the form that the pipe uses. */
  text: string;
  /** The event as /v1/events shows it, or a system event with its `data`. */
  event: Record<string, unknown>;
}

/** One attempt to deliver a batch. */
export interface Attempt {
  /** Distinct for each attempt, redeliveries included. */
  id: string;
  /** ms since the epoch */
  now: number;
  /** Fetches within the attempt's deadline and by the rules of http.ts, and records what went over the wire. */
  fetch: PipeFetch;
  /**
   * Records an exchange by another protocol than HTTP, for the log and for `test`. The caller leaves out the secrets.
   */
  note(exchange: Exchange): void;
  /** Aborts when the attempt's time is up (15 s). */
  signal: AbortSignal;
  /** Whether this machine may be called, also without TLS: in local development. */
  loopback: boolean;
  env: Env;
  /**
   * A cache for what outlives an attempt, such as an access token. It is lost with the isolate. Keys name all that a
   * value depends on.
   */
  kept: Map<string, { value: unknown; until: number }>;
}

/**
 * How a destination answered to a batch, or to one event in it.
 * - `delivered`: the destination has it.
 * - `refused`: the destination does not want this event, and never will (a 400, too large, not its schema).
 * - `unavailable`: nobody answered, or not now (a timeout, 408, 5xx).
 * - `slow_down`: it answers, and asks for fewer requests (429, throttling). The event is not to blame.
 * - `denied`: the credentials or the address of the destination are wrong (401, 403, 404), so that no event gets
 *   through.
 * - `gone`: it asks never to be called again (410).
 */
export type DeliveryResult = "delivered" | "refused" | "unavailable" | "slow_down" | "denied" | "gone";

/** How a destination answered to a batch. */
export interface Outcome {
  result: DeliveryResult;
  /** Why, in words for people; never a secret, nor an address. */
  reason: string | null;
  /** The response's status; null without a response. */
  status: number | null;
  /** How long the destination asked to be left alone, ms; null if it did not ask. */
  retryAfter: number | null;
  /** If the destination answers for each event: those that it did not take, by index in the batch. */
  failed?: { index: number; result: "refused" | "unavailable" | "slow_down"; reason: string }[];
  /** Events with which nothing is to be done there, by index: their contact is unknown. They are not tried again. */
  skipped?: { index: number; reason: string }[];
}

/** Settings with a secret that was generated. `made`: the new secrets by name, shown to the person once. */
export interface GeneratedSecret {
  settings: Record<string, unknown>;
  made: Record<string, string>;
}

/** A kind of pipe. */
export interface Kind<S = unknown> {
  id: string;
  /** One line on what it is. */
  title: string;
  /** The schema of all settings: strict, with messages for people. Every issue's path names the field. */
  settings: z.ZodType<S>;
  /** Names of top-level settings that are stored encrypted and never shown. */
  secrets: readonly string[];
  /** Names of top-level settings that are URLs with secrets in them: stored encrypted, and masked: see masked-url.ts. */
  masked?: readonly string[];
  /**
   * Names of the settings that say where requests go. If one of them changes to another host, the secrets have to be
   * passed anew, except those that never leave (`unsent`).
   */
  endpoints: readonly string[];
  unsent?: readonly string[];
  /**
   * Generates the secret that a person did not pass; null if there is nothing to generate. `passed`: the settings, not
   * checked yet. `made`: the new secrets, shown to the person once.
   */
  makeSecret?(passed: Readonly<Record<string, unknown>>): Promise<GeneratedSecret | null>;
  /**
   * Generates a secret beside the present ones, which end a while later, or `atOnce`. Null if as many are in use as may
   * be. `present`: the stored settings; `now`: ms.
   */
  rotate?(
    present: Readonly<Record<string, unknown>>,
    when: { now: number; atOnce: boolean },
  ): Promise<GeneratedSecret | null>;
  /** When the secrets end that were replaced and are still in use at `now`: ms, null for no end. */
  olderSecrets?(present: Readonly<Record<string, unknown>>, now: number): (number | null)[];
  /** Whether a batch is one HTTP request and nothing else, so that a preview can show it without sending anything. */
  singleRequest?: true;
  /** Most events and bytes of payload in one request, as the destination's documentation has it. */
  batch: { events: number; bytes: number };
  /** The limits for a pipe with these settings, if these matter; never more than `batch`. */
  batchOf?(settings: S): { events: number; bytes: number };
  /** Most requests a second, as the destination's documentation has it; as many as go if left out. */
  rate?: number;
  /** How long a pipe rests after it delivered something, ms, so that more events gather for the next request. */
  restOf?(settings: S): number;
  /** Why no pipe of this kind can deliver in this deployment, and what to do; null if it can. */
  lacks?(env: Env): string | null;
  /** Delivers a batch of at least one event, within the limits above. Rejects only because of a bug. */
  deliver(batch: readonly Outgoing[], settings: S, attempt: Attempt): Promise<Outcome>;
}
