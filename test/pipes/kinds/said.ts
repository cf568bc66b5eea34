// Events as the kinds that write to people are tested with: what servers say, what could ring everybody's phone, and
// what an alert and a paused pipe look like.

import { attemptOf, outgoing } from "../attempts.ts";
import { expect } from "vitest";
import type { Kind, Outgoing } from "../../../src/pipes/kinds/kind.ts";

export const bounced = outgoing({
  id: "bounce",
  type: "bounced",
  bounce: "hard",
  reason: "invalid",
  contact: "ann@example.com",
  message_id: "4711",
  occurred_at: "2026-11-21T11:59:00.000Z",
  description:
    "550 5.1.1 <Ann@Example.com>: no such user @everyone\n*[now](https://evil.example)* (see bob@example.org)",
});

const none = { contact: null, message_id: null, description: null };

export const paused = outgoing({
  ...none,
  id: "p1-paused-1",
  type: "pipe.paused",
  occurred_at: "2026-11-21T12:00:00.000Z",
  data: { pipe: "p1", name: "orders", reason: "no answer for 75 hours" },
});
export const resumed = outgoing({
  ...none,
  id: "p1-resumed-2",
  type: "pipe.resumed",
  data: { pipe: "p1", name: "orders" },
});

const alert = {
  fingerprint: "blocked_destination/gmail",
  rule: "blocked_destination",
  severity: "critical",
  summary: "gmail refuses 64 of 80 mails (80 %) since 14:05",
  link: "https://edge.example/dashboard/alerts/1",
};
export const firing = outgoing({ ...none, id: "a1", type: "alert.firing", data: alert });
export const resolved = outgoing({
  ...none,
  id: "a2",
  type: "alert.resolved",
  data: { ...alert, summary: "gmail takes mails again, after 42 min" },
});

/** As long as events get, of characters that take the most room. */
export const huge = (): Outgoing =>
  outgoing({
    type: "contact.suppressed",
    contact: `${"*\u{1F600}".repeat(150)}@example.com`,
    message_id: '<"'.repeat(5000),
    description: "&*\u{1F600}\u0000\uD800".repeat(5000),
    bounce: "hard",
    data: { severity: "critical", link: `https://edge.example/${"x".repeat(400)}` },
  });

/** Delivers, and returns what was sent. */
export async function sentBy(
  kind: Kind,
  settings: Record<string, unknown>,
  batch: readonly Outgoing[],
): Promise<Record<string, unknown>> {
  const { attempt, notes } = attemptOf();
  const checked = kind.settings.parse(settings);
  expect(await kind.deliver(batch, checked, attempt)).toMatchObject({ result: "delivered", reason: null });
  expect(notes).toHaveLength(1);
  return JSON.parse(notes[0]?.request.body ?? "") as Record<string, unknown>;
}

/** The problems of settings, as field and message. */
export function wrongIn(kind: Kind, given: unknown): [string, string][] | undefined {
  return kind.settings.safeParse(given).error?.issues.map(({ path, message }) => [path.join("."), message]);
}
