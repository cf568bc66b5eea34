// A database that was lost is rebuilt from the bucket: what people see afterwards is what they saw before.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  askApi,
  deliver,
  envWith,
  freshStorage,
  mailjetPost,
  messagesOf,
  read,
  send,
} from "../support/support.ts";
import { ADDRESSES, ago, answers, fill, NAMES, report } from "./filled.ts";
import { answer, checked, loseAllButBucket, loseDatabase, rebuild, type Shown } from "./losing.ts";

const MINUTE = 60_000;

beforeEach(async () => {
  await freshStorage();
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
});
afterEach(() => void vi.useRealTimers());

const health = async (): Promise<string> => {
  vi.setSystemTime(Date.now() + MINUTE); // the answer is kept for seconds
  const response = await send(new Request("https://edge.example/healthz"), envWith());
  return (await response.json<{ database: string }>()).database;
};

describe("after the loss of the database, a rebuild", () => {
  it("gives every answer as before, and says so at /healthz", async () => {
    await fill();
    const before = await answers();
    const people = await checked(ADDRESSES);
    expect(people.map((reason) => reason !== null)).toEqual([
      true,
      true,
      true,
      true,
      false,
      true,
      false,
      true,
      false,
    ]);
    await loseDatabase();
    vi.setSystemTime(Date.now() + 20 * MINUTE);
    expect(await health()).toBe("empty");
    expect(await checked(ADDRESSES)).toEqual(ADDRESSES.map(() => null));
    const done = await rebuild();
    expect(done).toMatchObject({
      status: "done",
      skipped: 0,
      restored: { objects: 2, events: 9, dead_letters: 1 },
    });
    expect(await checked(ADDRESSES)).toEqual(people);
    expect(await answers()).toEqual(before);
    expect(await health()).toBe("ok");
  });

  it("changes nothing when it is repeated, and counts nothing twice", async () => {
    await fill();
    await loseDatabase();
    await rebuild();
    const before = await answers();
    expect(await rebuild()).toMatchObject({ restored: { events: 0, dead_letters: 0 } });
    expect(await answers()).toEqual(before);
  });

  it("lets deliveries arrive meanwhile, which are stored once", async () => {
    await fill();
    const late = [report("fine", { event: "click", time: ago(0), url: "https://example.com/a" })];
    const repeat = [report("complained", { event: "spam" })];
    await loseDatabase();
    vi.setSystemTime(Date.now() + MINUTE);
    await deliver(await messagesOf(mailjetPost(JSON.stringify([...late, ...repeat]))));
    await rebuild();
    const { events } = (await answer("/v1/events?limit=100")) as {
      events: { type: string; contact: string }[];
    };
    expect(events).toHaveLength(10);
    expect(events.filter(({ type }) => type === "complained")).toHaveLength(1);
    expect((await answer("/v1/sources/mailjet")) as object).toMatchObject({ events: 10, duplicates: 2 });
  });
});

it("restores what follows from reports, and what people entered, if the objects are lost as well", async () => {
  await fill();
  const people = await checked(ADDRESSES);
  await loseAllButBucket();
  vi.setSystemTime(Date.now() + MINUTE);
  await rebuild();
  const restored = await checked(ADDRESSES);
  // The lift of a suppression that a report caused was known to its object alone.
  expect(restored).toEqual(people.map((reason, i) => (NAMES[i] === "lifted" ? "hard_bounce" : reason)));
});

it("answers 404 before the first one, and shows the last one", async () => {
  expect((await read("/v1/storage/rebuild")).status).toBe(404);
  expect((await askApi("DELETE", "/v1/storage/rebuild")).status).toBe(404);
  await rebuild();
  expect(await answer("/v1/storage/rebuild")).toMatchObject({
    status: "done",
    asked_by: "tests",
    skipped: 0,
  });
  const stopped = await (await askApi("DELETE", "/v1/storage/rebuild")).json<Shown>();
  expect(stopped.status, "one that is done cannot be stopped").toBe("done");
});
