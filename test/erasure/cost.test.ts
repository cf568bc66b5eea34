// The cost of an erasure, alone and together with others.

import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import {
  deliver,
  envWith,
  figure,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  rows,
  runScheduled,
} from "../support/support.ts";
import { ANN, DAY, MINUTE, ask, pass, receipt, traces, withStandingClock, type Receipt } from "./asking.ts";
import { countingDb } from "../support/counting-db.ts";

withStandingClock();

describe("several erasures at once", () => {
  it("share one walk over the archive, and do not undo each other", async () => {
    const names = Array.from({ length: 6 }, (_, i) => `p${i}@example.com`);
    const post = (): Request => mailjetPost(JSON.stringify(names.map((email) => mailjetEvent({ email }))));
    for (let i = 0; i < 4; i++) await deliver(await messagesOf(post()));
    pass(DAY); // so that no second look mends what the first one spoilt
    const asked = await Promise.all(names.slice(1).map(async (name) => await ask(name)));
    for (const { status } of asked) expect([202, 503]).toContain(status);
    let gets = 0;
    const counting = new Proxy(env.BUCKET, {
      get: (bucket, name) => {
        const value: unknown = Reflect.get(bucket, name, bucket);
        if (name === "get") gets += 1;
        return typeof value === "function"
          ? (...args: unknown[]): unknown => Reflect.apply(value, bucket, args)
          : value;
      },
    });
    pass(21 * MINUTE);
    for (let i = 0; i < 3; i++) await runScheduled(envWith({ BUCKET: counting }));
    expect(gets).toBeLessThanOrEqual(8);
    for (const name of names.slice(1)) expect(await traces(name)).toEqual([]);
    expect(await rows("SELECT contact FROM events")).toEqual([{ contact: "p0@example.com" }]);
    expect(await figure("SELECT count(*) AS n FROM erasures WHERE finished_at IS NULL")).toBe(0);
  });
});

it("an erasure scans no table, and writes little more than the rows that it deletes", async () => {
  for (let part = 0; part < 3; part++)
    await deliver(
      await messagesOf(
        mailjetPost(
          JSON.stringify(
            Array.from({ length: 200 }, (_, i) =>
              mailjetEvent({
                email: ANN,
                MessageID: 1 + part * 100 + (i >> 1),
                time: 1_790_000_000 + part * 500 + i,
              }),
            ),
          ),
        ),
      ),
    );
  const counting = countingDb({ sessions: false });
  const first = await (await ask(ANN, "", envWith({ DB: counting.db }))).json<Receipt>();
  expect(first.removed).toMatchObject({ events: 600, messages: 300 });
  expect(await figure("SELECT count(*) AS n FROM messages")).toBe(0);
  pass(21 * MINUTE);
  await runScheduled(envWith({ DB: counting.db }));
  await ask(ANN, "", envWith({ DB: counting.db }));
  expect((await receipt(first.id)).status).toBe("done");
  console.log({
    message: "rows written by an erasure of 600 events and 300 messages",
    written: counting.written,
  });
  expect(counting.written).toBeLessThanOrEqual(600 * 2 + 300 + 40);
  expect(new Set(counting.asked).size).toBeGreaterThan(15);
  for (const sql of new Set(counting.asked)) {
    const plan = await rows<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql.replaceAll(/\?\d/g, "'[]'")}`);
    for (const { detail } of plan)
      expect(detail, sql).not.toMatch(/SCAN (events|e|n|messages|contacts|c|t|suppressions|s|rollups)\b/);
  }
});
