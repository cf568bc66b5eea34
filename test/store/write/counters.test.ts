// Counters: unique opens and clicks belong to the earliest event, and the cost of counting.

import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { deliver, envWith, freshStorage, messagesOf } from "../../support/support.ts";
import { BASE, DAY, RANGE, ask, requestOf, tell, type Told } from "../../api/stats/told.ts";
import { countingDb } from "../../support/counting-db.ts";
import { countStretch } from "../../../src/store/write/counting.ts";

describe("unique opens and clicks", () => {
  it("are counted for the earliest event, in whatever order events arrive", async () => {
    const one = {
      source: "generic",
      bounce: "",
      contact: "ann@gmail.com",
      campaign: "spring",
      tags: [],
    } as const;
    const events: Told[] = [0, 1, 2, 3].map((day) => ({
      ...one,
      type: "opened",
      machine: day % 2 === 0,
      at: BASE + day * DAY + 1000,
    }));
    const orders = [
      [0, 1, 2, 3],
      [3, 2, 1, 0],
      [1, 3, 0, 2],
      [2, 0, 3, 1],
    ];
    for (const order of orders) {
      await freshStorage();
      await tell(
        order.map((i) => events[i]).filter((event) => event !== undefined),
        1,
      );
      const { stats } = await ask(`${RANGE}&bucket=day&campaign=spring`);
      expect(stats.map((day) => [day["unique_opened"], day["unique_opened_human"]])).toEqual([
        [1, 0],
        [0, 1],
        [0, 0],
        [0, 0],
      ]);
    }
  });

  it("need only the contact's rows since the campaign began", async () => {
    await freshStorage();
    const one = { source: "generic", bounce: "", machine: null, contact: "ann@gmail.com", tags: [] } as const;
    const old = Array.from({ length: 500 }, (_, i): Told => ({
      ...one,
      type: "opened",
      campaign: "old",
      at: BASE + i * 1000,
    }));
    await tell(old);
    await countStretch(env.DB);
    const counting = countingDb({ sessions: false });
    const fresh: Told = { ...one, type: "opened", campaign: "new", at: BASE + 3 * DAY };
    await deliver(await messagesOf(...requestOf([fresh], "generic")), envWith({ DB: counting.db }));
    await countStretch(counting.db);
    expect(counting.read).toBeLessThan(200);
    counting.read = 0;
    const again: Told = { ...one, type: "opened", campaign: "old", at: BASE + 4 * DAY };
    await deliver(await messagesOf(...requestOf([again], "generic")), envWith({ DB: counting.db }));
    await countStretch(counting.db);
    expect(counting.read).toBeGreaterThan(500);
  });
});

describe("counting", () => {
  it("writes two rows for each new counter of a tag (one is its index entry), and one row for each later update", async () => {
    await freshStorage();
    const counting = countingDb({ sessions: false });
    const slice = (second: number, tags: string[]): Told[] =>
      Array.from({ length: 300 }, (_, i) => ({
        source: "generic",
        type: "opened",
        bounce: "",
        machine: null,
        contact: `c${i}@gmail.com`,
        campaign: "spring",
        tags,
        at: BASE + second * 1000 + i,
      }));
    // 300 events, a row of the feed and its index; the source, a cell by time, day and campaign, and the position.
    const plain = 300 + 2 + 1 + 3 + 1;
    for (const [second, tags, cost] of [
      [0, [], plain + 1 + 2], // the campaign's index entry, and the kind of these events with its own
      [1, [], plain],
      [2, ["a", "b"], plain + 4],
      [3, ["a", "b"], plain + 2],
    ] as [number, string[], number][]) {
      counting.written = 0;
      await deliver(
        await messagesOf(...requestOf(slice(second, tags), "generic")),
        envWith({ DB: counting.db }),
      );
      await countStretch(counting.db);
      expect(counting.written).toBe(cost);
    }
  });
});
