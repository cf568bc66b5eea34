// Deliveries that came again, or that are long: a rebuild counts each once, and keeps what each of their events says.

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { deliver, freshStorage, mailjetPost, messagesOf } from "../support/support.ts";
import { ago, report } from "./filled.ts";
import { answer, checked, loseDatabase, rebuild } from "./losing.ts";

beforeEach(async () => {
  await freshStorage();
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
});
afterEach(() => void vi.useRealTimers());

const REPORTS = [report("fine", {}), report("complained", { event: "spam" })];
const source = async (): Promise<unknown> => await answer("/v1/sources/mailjet");

it("counts no repeat of a delivery that the queue brought again", async () => {
  const messages = await messagesOf(mailjetPost(JSON.stringify(REPORTS)));
  await deliver(messages);
  vi.setSystemTime(Date.now() + 1); // keys of one millisecond have no order
  await deliver(messages);
  expect(await source()).toMatchObject({ events: 2, duplicates: 0 });
  await loseDatabase();
  await rebuild();
  expect(await source()).toMatchObject({ events: 2, duplicates: 0 });
});

it("counts no repeat of a delivery that the queue brings again after the loss", async () => {
  const messages = await messagesOf(mailjetPost(JSON.stringify(REPORTS)));
  await deliver(messages);
  await loseDatabase();
  vi.setSystemTime(Date.now() + 1); // keys of one millisecond have no order
  await deliver(messages);
  await rebuild();
  expect(await source()).toMatchObject({ events: 2, duplicates: 0 });
});

it("counts the repeats of another delivery", async () => {
  await deliver(await messagesOf(mailjetPost(JSON.stringify(REPORTS))));
  vi.setSystemTime(Date.now() + 1); // keys of one millisecond have no order
  const again = await messagesOf(mailjetPost(JSON.stringify(REPORTS)));
  await deliver(again);
  await deliver(again);
  expect(await source()).toMatchObject({ events: 2, duplicates: 2 });
  await loseDatabase();
  await rebuild();
  expect(await source()).toMatchObject({ events: 2, duplicates: 2 });
});

it("keeps what all parts of a long delivery say of a contact", async () => {
  const others = Array.from({ length: 1_200 }, (_, i) =>
    report("fine", { MessageID: 1_000 + i, time: ago(2) + i }),
  );
  const reports = [
    report("bounced", { event: "bounce", hard_bounce: true }),
    ...others,
    report("bounced", {}),
  ];
  await deliver(await messagesOf(mailjetPost(JSON.stringify(reports))));
  const people = ["bounced@example.com", "fine@example.com"];
  expect(await checked(people)).toEqual(["hard_bounce", null]);
  await loseDatabase();
  await rebuild();
  expect(await checked(people)).toEqual(["hard_bounce", null]);
});
