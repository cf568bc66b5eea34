// The consumer: every event is stored exactly once, whatever the order and the grouping.

import { env, exports } from "cloudflare:workers";
import fc from "fast-check";
import { beforeEach, describe, expect, it, vi } from "vitest";
import {
  deliver,
  figure,
  finalState,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  read,
  rows,
} from "../support/support.ts";

const DAY = 86_400;

/** Cells of the rollups that differ from a count over the rows. */
async function recount(): Promise<Record<string, unknown[]>> {
  const byTime = `SELECT at / 300000 * 300000, source, type, bounce, count(*) FROM events GROUP BY 1, 2, 3, 4`;
  const byDay = `SELECT at / 86400000 * 86400000, coalesce(campaign, ''), source, type, bounce, count(*) FROM events GROUP BY 1, 2, 3, 4, 5`;
  const rolled = "SELECT bucket, source, type, bounce, sum(n) FROM rollups GROUP BY 1, 2, 3, 4";
  const campaigns = "SELECT day, campaign, source, type, bounce, n FROM campaign_rollups";
  const differ = async (a: string, b: string): Promise<unknown[]> =>
    await rows(`SELECT * FROM (${a} EXCEPT ${b}) UNION ALL SELECT * FROM (${b} EXCEPT ${a})`);
  return { rollups: await differ(byTime, rolled), campaigns: await differ(byDay, campaigns) };
}

beforeEach(freshStorage);

describe("through the real queue", () => {
  it("stores 10,000 events exactly once from 100 POSTs that are each sent twice, shuffled and concurrently", async () => {
    const kinds = ["sent", "open", "click", "bounce", "unsub"];
    const posts = Array.from({ length: 100 }, (_, post) =>
      JSON.stringify(
        Array.from({ length: 100 }, (_, i) => {
          const n = post * 100 + i;
          return mailjetEvent({
            event: kinds[n % kinds.length],
            time: 1_790_000_000 + (n % 977),
            MessageID: 5_000_000 + n,
            email: `c${n % 250}@${n % 3 === 0 ? "gmail.com" : "example.com"}`,
            mj_campaign_id: n % 4,
            hard_bounce: n % 2 === 0,
            url: "https://example.com/",
          });
        }),
      ),
    );
    const local = env.SOURCE_CREDENTIALS.includes("mailjet:local-only") ? "mailjet:local-only" : "";
    const requests = [...posts, ...posts]
      .map((body, i) => ({ body, order: (i * 7919) % 200 }))
      .sort((a, b) => a.order - b.order)
      .map(({ body }) =>
        mailjetPost(body, undefined, { headers: { authorization: `Basic ${btoa(local)}` } }),
      );
    for (let i = 0; i < requests.length; i += 20) {
      const answers = await Promise.all(
        requests.slice(i, i + 20).map(async (request) => await exports.default.fetch(request)),
      );
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
      await Promise.all(answers.map(async (answer) => await answer.arrayBuffer()));
    }
    await vi.waitFor(
      async () => {
        const { n } = (await rows<{ n: number }>("SELECT events + duplicates AS n FROM sources"))[0] ?? {
          n: 0,
        };
        expect(n).toBe(20_000);
      },
      { timeout: 50_000, interval: 200 },
    );
    expect(await rows("SELECT events, duplicates, pings FROM sources")).toEqual([
      { events: 10_000, duplicates: 10_000, pings: 0 },
    ]);
    expect(await figure("SELECT count(*) AS n FROM events")).toBe(10_000);
    expect(await figure("SELECT count(DISTINCT message_id) AS n FROM events")).toBe(10_000);
    expect(await figure("SELECT sum(n) AS n FROM rollups")).toBe(10_000);
    expect(await figure("SELECT sum(n) AS n FROM campaign_rollups")).toBe(10_000);
    expect(await figure("SELECT count(*) AS n FROM dead_letters")).toBe(0);
    expect(await recount()).toEqual({ rollups: [], campaigns: [] });
  }, 90_000);
});

describe("the order of arrival", () => {
  const story = [
    mailjetEvent({ event: "sent", time: 1_790_000_000, MessageID: 1 }),
    mailjetEvent({ event: "bounce", hard_bounce: false, time: 1_790_000_000 + DAY, MessageID: 2 }),
    mailjetEvent({ event: "bounce", hard_bounce: false, time: 1_790_000_000 + 2 * DAY, MessageID: 3 }),
    mailjetEvent({ event: "open", time: 1_790_000_000 + 2.5 * DAY, MessageID: 1 }),
    mailjetEvent({ event: "bounce", hard_bounce: false, time: 1_790_000_000 + 3 * DAY, MessageID: 4 }),
    mailjetEvent({ event: "unsub", time: 1_790_000_000 + 3 * DAY, MessageID: 1 }),
    mailjetEvent({ event: "sent", time: 1_790_000_000 + 4 * DAY, MessageID: 2 }),
  ];

  it("does not change the final state, however the events are permuted and cut into deliveries", async () => {
    await deliver(await messagesOf(mailjetPost(JSON.stringify(story))));
    const expected = await finalState();
    expect(expected["contacts"]).toEqual([
      { contact: "ann@example.com", suppressed: "unsubscribed", since: (1_790_000_000 + 3 * DAY) * 1000 },
    ]);
    const status = async (): Promise<unknown> =>
      (await (await read("/v1/messages/1")).json<{ status: string }>()).status;
    expect(await status()).toBe("unsubscribed");
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray(story, { minLength: story.length, maxLength: story.length }),
        fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 7, maxLength: 7 }),
        async (order, cuts) => {
          await freshStorage();
          let at = 0;
          for (const size of cuts) {
            if (at >= order.length) break;
            const part = order.slice(at, at + size);
            at += size;
            await deliver(await messagesOf(mailjetPost(JSON.stringify(part))));
          }
          const { messages: _, sources: __, ...state } = await finalState();
          const { messages: ___, sources: ____, ...wanted } = expected;
          // `element` is the place in the delivery, which the cutting changes.
          const plain = (value: unknown): unknown =>
            JSON.parse(JSON.stringify(value, (key, v: unknown) => (key === "element" ? 0 : v)));
          expect(plain(state)).toEqual(plain(wanted));
          expect(await status()).toBe("unsubscribed");
        },
      ),
      { numRuns: 12 },
    );
  });

  it("does not matter for a contact's versions either: an older state never replaces a newer one", async () => {
    const { storeSlice } = await import("../../src/store/write/slice.ts");
    const nothing = { events: [], sources: [], tallies: [], deadLetters: [], replayed: [] };
    const entry = (event: string) => ({
      reason: "hard_bounce" as const,
      event,
      source: "mailjet",
      scope: "",
      at: 5,
      by: null,
      note: null,
      lifted_at: null,
      lifted_by: null,
      lift_note: null,
      held: null,
    });
    const older = {
      contact: "a@example.com",
      version: 7,
      suppressed: "hard_bounce" as const,
      since: 5,
      suppressions: [entry("e1")],
    };
    const newer = { ...older, version: 8, suppressions: [entry("e2")] };
    for (const order of [
      [older, newer],
      [newer, older],
      [newer, older, newer],
    ]) {
      await freshStorage();
      for (const change of order) await storeSlice(env.DB, { ...nothing, contacts: [change] });
      expect(await rows("SELECT version FROM contacts")).toEqual([{ version: 8 }]);
      expect(await rows("SELECT event, version FROM suppressions")).toEqual([{ event: "e2", version: 8 }]);
    }
  });
});
