// What tests of pipes need on their side: attempts, events on their way, and the peers' doors.

import { env } from "cloudflare:workers";
import { inject } from "vitest";
import { pipeFetch, type Exchange } from "../../src/pipes/http.ts";
import type { Attempt, Kind, Outcome, Outgoing } from "../../src/pipes/kinds/kind.ts";
import type { Fault, Received } from "./scripted-peer.ts";

export const NOW = Date.UTC(2026, 10, 21, 12);

/** A written HTTP peer by its name in peers.ts. */
export function peer(name: string) {
  const port = inject("peers")[name];
  const origin = `http://127.0.0.1:${port}`;
  return {
    origin,
    /** The next requests fail so. */
    async fail(...faults: Fault[]): Promise<void> {
      await fetch(`${origin}/_/faults`, { method: "POST", body: JSON.stringify(faults) });
    },
    /** What it got since the last time, and how many requests hang. */
    async received(): Promise<{ received: Received[]; hanging: number }> {
      return await (await fetch(`${origin}/_/received`)).json();
    },
  };
}

/** An attempt of local development, and what it noted. */
export function attempt(changes: Partial<Attempt> = {}): Attempt & { notes: Exchange[] } {
  const notes: Exchange[] = [];
  const note = (exchange: Exchange): void => void notes.push(exchange);
  const signal = changes.signal ?? new AbortController().signal;
  const loopback = changes.loopback ?? true;
  const fetch = pipeFetch(note, { signal, loopback });
  return {
    id: "attempt-1",
    now: NOW,
    env,
    kept: new Map(),
    note,
    signal,
    loopback,
    fetch,
    notes,
    ...changes,
  };
}

let serial = 0;

/** Some fields of an event, as /v1/events shows it. */
interface Fields {
  id?: string;
  type?: string;
  contact?: string | null;
  occurred_at?: string;
  [other: string]: unknown;
}

/** A stored event on its way; fields that a test does not name are plausible. */
export function outgoing(fields: Fields = {}): Outgoing {
  const named = {
    id: `event-${String(++serial).padStart(6, "0")}`,
    type: "delivered",
    contact: "ann@example.com",
    occurred_at: "2026-11-21T11:59:00.000Z",
    ...fields,
  };
  const told = { bounce: null, reason: null, description: null, smtp: null };
  const event = { seq: serial, source: "mailjet", message_id: "1152921521234567890", ...told, ...named };
  const { id, type, contact } = named;
  return { id, type, contact, at: Date.parse(named.occurred_at), text: JSON.stringify(event), event };
}

/** Settings as they are saved: checked, with defaults. */
export function settled<S>(kind: Kind<S>, settings: unknown): S {
  return kind.settings.parse(settings);
}

/** How long a cancelled attempt may take to end, ms. */
const A_MOMENT = 1000;

/** Delivers while the peer hangs, and gives up after 100 ms: the outcome, and how long after that it came. */
export async function cancelled(
  deliver: (attempt: Attempt) => Promise<Outcome>,
): Promise<{ outcome: Outcome; atOnce: boolean }> {
  const controller = new AbortController();
  const pending = deliver(attempt({ signal: controller.signal }));
  await scheduler.wait(100);
  const began = Date.now();
  controller.abort();
  return { outcome: await pending, atOnce: Date.now() - began < A_MOMENT };
}
