// Following /v1/events: a reader that comes back with `resume` gets every event once, whatever arrives in between.

import fc from "fast-check";
import { beforeEach, expect, it } from "vitest";
import { deliver, freshStorage, mailjetEvent, mailjetPost, messagesOf } from "../support/support.ts";
import { page } from "./pages.ts";

const KINDS = ["sent", "open", "click"];
let made = 0;

/** Stores this many new events of four contacts, in one delivery. */
async function store(count: number): Promise<void> {
  const events = Array.from({ length: count }, () => {
    made += 1;
    return mailjetEvent({
      event: KINDS[made % 3],
      time: 1_790_000_000 + made,
      email: `follower${made % 4}@example.com`,
      MessageID: made % 5,
      url: "https://example.com",
    });
  });
  await deliver(await messagesOf(mailjetPost(JSON.stringify(events))));
}

/** A reader of the feed with a filter. It keeps only its cursor. */
function follower(filter: string) {
  const seen: string[] = [];
  let after = "";
  return {
    seen,
    /** Reads one page. Returns whether it was the last one for now. */
    read: async (limit: number): Promise<boolean> => {
      const { events, next, resume } = await page(`?${filter}&limit=${limit}${after}`);
      expect(resume).not.toBeNull();
      if (next !== null) expect(resume).toBe(next);
      seen.push(...events.map(({ id }) => id));
      after = `&after=${resume}`;
      return next === null;
    },
  };
}

beforeEach(async () => await freshStorage());

it("gives a reader that comes back with `resume` each matching event once, in order, whatever arrives in between", async () => {
  const act = fc.oneof(
    fc.record({ stores: fc.integer({ min: 1, max: 6 }) }),
    fc.record({ reads: fc.integer({ min: 1, max: 5 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 4, maxLength: 10 }), async (acts) => {
      await freshStorage();
      const filters = [
        "order=asc",
        "type=opened",
        "contact=follower1@example.com",
        "message_id=2",
        "source=other",
      ];
      const readers = filters.map((filter) => ({ filter, ...follower(filter) }));
      for (const one of acts) {
        if ("stores" in one) await store(one.stores);
        else for (const reader of readers) await reader.read(one.reads);
      }
      await store(3);
      for (const { filter, seen, read } of readers) {
        while (!(await read(4)));
        const all = await page(`?${filter}&limit=1000`);
        expect(seen).toEqual(all.events.map(({ id }) => id));
        expect((await page(`?${filter}&limit=1000&after=${all.resume}`)).events).toEqual([]);
      }
    }),
    { numRuns: 8 },
  );
});

it("gives a cursor for an empty feed, and behind events that the filter leaves out", async () => {
  const empty = await page("");
  expect(empty).toMatchObject({ events: [], next: null });
  const before = await page("?type=bounced");
  await store(9);
  const behind = await page("?type=bounced");
  expect(behind).toMatchObject({ events: [], next: null });
  expect((await page(`?after=${empty.resume}`)).events).toHaveLength(9);
  expect((await page(`?after=${before.resume}`)).events).toHaveLength(9);
  expect((await page(`?after=${behind.resume}`)).events).toEqual([]);
});

it("gives no cursor to resume from in descending order", async () => {
  await store(3);
  expect(await page("?order=desc&limit=2")).toMatchObject({ resume: null });
  expect(await page("?order=desc")).toMatchObject({ next: null, resume: null });
});
