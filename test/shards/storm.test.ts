// Storms over several databases: each has the outcomes of its own contacts, and only all together tell a storm.

import { beforeEach, describe, expect, it } from "vitest";
import { contactPrefix } from "../../src/model/event-id.ts";
import { divideEvenly, isWithin } from "../../src/model/storage/shards.ts";
import { expectLogs } from "../support/log.ts";
import { deliver, freshStorage, mailjetEvent, mailjetPost, messagesOf, rows } from "../support/support.ts";
import { newIsolate, SHARDS } from "./support.ts";

const DAY = 86_400;
const noon = Math.floor(Date.now() / 1000 / DAY) * DAY - 3 * DAY + DAY / 2;

/** An address at Gmail of each database. */
const victims = divideEvenly(SHARDS).map((range) => {
  for (let n = 0; ; n++)
    if (isWithin([range], contactPrefix(`victim-${n}@gmail.com`))) return `victim-${n}@gmail.com`;
});
const others = (count: number, event: string, time: number) =>
  Array.from({ length: count }, (_, i) => ({
    event,
    email: `o${i}@gmail.com`,
    time,
    MessageID: time * 100 + i,
  }));
const hard = (email: string, time: number) => ({
  event: "bounce",
  hard_bounce: true,
  email,
  time,
  MessageID: time,
});

/** Sums are kept for ten seconds, so each test has an isolate of its own. */
let isolate = newIsolate();

async function mailjet(events: readonly Record<string, unknown>[], bindings = isolate): Promise<void> {
  const post = mailjetPost(JSON.stringify(events.map((event) => mailjetEvent(event))));
  expect((await deliver(await messagesOf(post), bindings)).acked).toEqual([0]);
}

const states = async (): Promise<{ contact: string; held: string | null }[]> =>
  await rows("SELECT contact, held FROM suppressions ORDER BY contact");

beforeEach(freshStorage);
beforeEach(() => void (isolate = newIsolate()));

describe("a storm", () => {
  it("is told from the outcomes of all databases, none of which would tell it alone", async () => {
    // Two thirds of fifty outcomes lie elsewhere.
    await mailjet([...others(9, "sent", noon), ...others(50, "blocked", noon + 1)]);
    await mailjet(victims.map((one, i) => hard(one, noon + 200 + i)));
    expect(await states()).toEqual(
      victims
        .toSorted()
        .map((contact) => ({ contact, held: expect.stringContaining("gmail refused") as string })),
    );
  });

  it("holds hard bounces of all databases that came before it could be told", async () => {
    await mailjet(victims.map((one, i) => hard(one, noon + 100 + i)));
    expect((await states()).map(({ held }) => held)).toEqual(victims.map(() => null));
    await mailjet([
      ...others(9, "sent", noon),
      ...others(50, "blocked", noon + 1),
      hard("late@gmail.com", noon + 150),
    ]);
    const found = await states();
    expect(found).toHaveLength(victims.length + 1);
    expect(found.filter(({ held }) => held === null)).toEqual([]);
  });

  it("is looked for in the other databases while one does not answer", async () => {
    expectLogs(/storms are looked for without/, /did not take its events/, /was not searched/, /fill level/);
    await mailjet([...others(20, "sent", noon), ...others(150, "blocked", noon + 1)]);
    const fails = async (): Promise<never> => await Promise.reject(new Error("D1_ERROR: it went away"));
    const statement = { bind: () => statement, first: fails, all: fails, run: fails };
    const down = { prepare: () => statement, batch: fails };
    expectLogs(/did not say which one it is/);
    const queue = { sendBatch: async () => {} };
    await mailjet(
      [hard(victims[0] ?? "", noon + 200), hard(victims[1] ?? "", noon + 201)],
      newIsolate({ DB_1: down, QUEUE: queue }),
    );
    expect(await states()).toEqual([
      { contact: victims[0], held: expect.stringContaining("gmail refused") as string },
    ]);
  });
});
