// What tests of pipes need on their side: attempts by hand, and events on their way.

import { env } from "cloudflare:workers";
import { type Exchange, pipeFetch } from "../../src/pipes/transport/http.ts";
import type { Attempt, Outcome, Outgoing } from "../../src/pipes/kinds/kind.ts";
import { type Form, render } from "../../src/pipes/transport/payload.ts";

/** An attempt of local development, and what was noted of it. It has no deadline but that of `changes.signal`. */
export function attemptOf(changes: Partial<Attempt> = {}): { attempt: Attempt; notes: Exchange[] } {
  const notes: Exchange[] = [];
  const note = (exchange: Exchange): void => void notes.push(exchange);
  const { signal = new AbortController().signal, loopback = true } = changes;
  const fetch = pipeFetch(note, { signal, loopback });
  const id = `attempt-${crypto.randomUUID()}`;
  const base = { id, now: Date.now(), fetch, note, signal, loopback, env, kept: new Map() };
  return { attempt: { ...base, ...changes }, notes };
}

/** Some fields of an event, as /v1/events shows it. */
export interface Fields {
  id?: string;
  type?: string;
  contact?: string | null;
  occurred_at?: string;
  [other: string]: unknown;
}

/**
 * The same event for the same index, on its way; fields that are not named are plausible. Each is of a contact of its
 * own.
 */
export function outgoingOf(index: number, fields: Fields = {}, form: Form = "event"): Outgoing {
  const digits = String(index).padStart(6, "0");
  const named = {
    id: `3fj0dm8c01k5gqfp8w7h2m4n6q8s${digits}`,
    type: "delivered",
    contact: `ann+${digits}@example.com`,
    occurred_at: new Date(Date.UTC(2026, 10, 21, 9, 30) + index).toISOString(),
    ...fields,
  };
  const event = {
    seq: index + 1,
    source: "mailjet",
    provider: "mailjet",
    message_id: `1152921521234${digits}`,
    received_at: named.occurred_at,
    description: 'said "250 2.0.0 OK" \\ Grüße, 你好 🚀 <&>\r\n\u2028\u0000\uFFFF',
    tags: ["a", "b,c"],
    metadata: { order: index, nested: { "key with space": [1.5, null, true] } },
    ...named,
  };
  const { id, type, contact } = named;
  const outgoing = { id, type, contact, at: Date.parse(named.occurred_at), event };
  return { ...outgoing, text: render(outgoing, form, "mailjet") };
}

let serial = 0;

/** An event that no other call gave. */
export function outgoing(fields: Fields = {}): Outgoing {
  return outgoingOf(++serial, fields);
}

/** One whose payload has exactly so many bytes. */
export function outgoingOfSize(index: number, bytes: number, form: Form = "event"): Outgoing {
  const rest = new TextEncoder().encode(outgoingOf(index, { description: "" }, form).text).byteLength;
  return outgoingOf(index, { description: "x".repeat(bytes - rest) }, form);
}

/** The failures by index, as `result`. */
export function failures(outcome: Outcome): Record<number, string> {
  return Object.fromEntries((outcome.failed ?? []).map(({ index, result }) => [index, result]));
}

/** Resolves once `holds`; rejects after 5 s. */
export async function eventually(holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 5000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error("did not come about within 5 s");
    await scheduler.wait(20);
  }
}
