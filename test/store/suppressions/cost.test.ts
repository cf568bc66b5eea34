// The database rows that a suppression writes.

import { expect, it } from "vitest";
import {
  deliver,
  envWith,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  messagesOf,
} from "../../support/support.ts";
import { secondsNow, ask, bindings } from "../../api/suppressions/asking.ts";
import { countingDb } from "../../support/counting-db.ts";

const NOW = secondsNow();

it("a suppression writes four rows when it begins, three when it is lifted, and none when its reason is reported again", async () => {
  await freshStorage();
  const counting = countingDb({ sessions: false });
  const cost = async (work: () => Promise<unknown>): Promise<number> => {
    counting.written = 0;
    await work();
    return counting.written;
  };
  const event = async (fields: Record<string, unknown>) => {
    const messages = await messagesOf(mailjetPost(JSON.stringify([mailjetEvent(fields)])));
    return await cost(async () => await deliver(messages, envWith({ DB: counting.db })));
  };
  // What events are of their kind for the first time is written once for all.
  await event({ event: "blocked", email: "y@example.com", time: NOW, MessageID: 8 });
  await event({ event: "bounce", hard_bounce: true, email: "x@example.com", time: NOW, MessageID: 9 });
  const plain = await event({ event: "blocked", email: "z@example.com", time: NOW, MessageID: 1 });
  const hard = { event: "bounce", hard_bounce: true, email: "ann@example.com" };
  const first = await event({ ...hard, time: NOW, MessageID: 2 });
  expect(
    first - plain,
    "contact and its place in the order of change, suppression and its place in the list",
  ).toBe(4);
  expect((await event({ ...hard, time: NOW + 1, MessageID: 3 })) - plain, "told again").toBe(0);
  const changed = { env: bindings({ DB: counting.db }) };
  expect(await cost(async () => await ask("DELETE", "/ann@example.com", undefined, changed))).toBe(3);
  expect(await cost(async () => await ask("DELETE", "/ann@example.com", undefined, changed))).toBe(0);
  expect(await cost(async () => await ask("PUT", "/ann@example.com", {}, changed))).toBe(5);
  expect(await cost(async () => await ask("PUT", "/ann@example.com", {}, changed))).toBe(0);
  expect(await cost(async () => await ask("PUT", "/new@example.com", {}, changed))).toBe(4);
});
