// Storage with reports and with what people do by hand, and everything that can be asked about it.

import { vi } from "vitest";
import { askApi, deliver, finalState, mailjetEvent, mailjetPost, messagesOf } from "../support/support.ts";
import { answer } from "./losing.ts";

/** One moment for all reports: the same report a second later would be another one. */
const NOW = Math.floor(Date.now() / 1000);
/** Seconds since the epoch, some days ago. */
export const ago = (days: number): number => NOW - days * 86_400;
/** What becomes of each contact. */
export const NAMES = [
  "unsubscribed",
  "complained",
  "bounced",
  "soft",
  "fine",
  "entered",
  "lifted",
  "imported",
  "again",
];
export const ADDRESSES = NAMES.map((name) => `${name}@example.com`);

export const report = (name: string, fields: Record<string, unknown>): Record<string, unknown> =>
  mailjetEvent({ email: `${name}@example.com`, MessageID: NAMES.indexOf(name) + 1, time: ago(3), ...fields });

/** Deliveries with a repeat, a ping and an element that cannot be read, and what people do by hand. */
export async function fill(): Promise<void> {
  const bounces = [3, 2, 1].map((days) =>
    report("soft", { event: "bounce", hard_bounce: false, MessageID: 40 + days, time: ago(days) }),
  );
  const first = [
    report("unsubscribed", { event: "unsub" }),
    report("complained", { event: "spam" }),
    report("fine", { customcampaign: "spring" }),
    report("fine", { event: "open", time: ago(2) }),
    report("lifted", { event: "bounce", hard_bounce: true }),
  ];
  const again = [
    report("fine", { customcampaign: "spring" }),
    report("bounced", { event: "bounce", hard_bounce: true }),
  ];
  await deliver(await messagesOf(mailjetPost(JSON.stringify(first)), mailjetPost(JSON.stringify(bounces))));
  vi.setSystemTime(Date.now() + 1); // keys of one millisecond have no order
  await deliver(
    await messagesOf(mailjetPost(JSON.stringify(again)), mailjetPost('[{"event":"sent","email":5}]')),
  );
  await askApi("PUT", "/v1/suppressions/entered%40example.com", { note: "asked by phone" });
  await askApi("PUT", "/v1/suppressions/again%40example.com", {});
  vi.setSystemTime(Date.now() + 1);
  await askApi("DELETE", "/v1/suppressions/again%40example.com");
  await askApi("DELETE", "/v1/suppressions/lifted%40example.com");
  await askApi("POST", "/v1/suppressions/import", {
    suppressions: [
      { address: "imported@example.com", reason: "complaint", since: "2026-01-02T03:04:05.000Z" },
    ],
  });
}

/** What people can ask for, without places in the feed and versions. */
export async function answers(): Promise<unknown> {
  const { letters, ...state } = await finalState();
  const contacts = await Promise.all(ADDRESSES.map(async (one) => await answer(`/v1/contacts/${one}`)));
  const events = state["events"] as { id: string }[];
  const raws = await Promise.all(events.map(async ({ id }) => await answer(`/v1/events/${id}`)));
  return JSON.parse(
    JSON.stringify({ state, letters, contacts, raws }, (key, value: unknown) => (key === "seq" ? 0 : value)),
  );
}
