// A contact whose opens never end, such as a monitored address: one more open, a page and an export cost no more than
// for a contact with a fraction of the events.

import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { eventId } from "../../src/model/event-id.ts";
import { totalRowsRead } from "../support/limits.ts";
import {
  countAll,
  deliver,
  envWith,
  figure,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  read,
  rows,
} from "../support/support.ts";
import { FEED_END } from "../../src/store/feed-rows.ts";
import { nameInFeed, nextSeq } from "../support/feed-sql.ts";

const MINUTE = 60_000;
const BEGAN = Date.UTC(2026, 8, 20);

/** Stores so many opens of the contact, one a minute, by every tenth of them of another campaign; none is counted. */
async function fill(contact: string, events: number): Promise<void> {
  await countAll();
  for (let from = 0; from < events; from += 5_000) {
    const some = Array.from({ length: Math.min(5_000, events - from) }, (_, i) => {
      const n = from + i;
      const at = BEGAN + n * MINUTE;
      return [
        eventId({ contact, occurred_at: at }, String(n).padStart(16, "0")),
        at,
        n % 10 === 0 ? "other" : "7",
      ];
    });
    await env.DB.prepare(
      `INSERT INTO events (seq, id, contact, at, received_at, source, provider, type, bounce, destination, machine, message_id,
         campaign, line, element, details)
       SELECT ${nextSeq("1 + key")}, value->>0, ?2, value->>1, value->>1, 'mailjet', 'mailjet', 'opened', '', 'other', 'human',
         '1', value->>2, 0, 0, '{"user_agent":"agent"}' FROM json_each(?1)`,
    )
      .bind(JSON.stringify(some), contact)
      .run();
    await env.DB.prepare(nameInFeed("b")).run();
  }
  await env.DB.prepare(`UPDATE counting SET position = ${FEED_END}`).run();
  await env.DB.prepare(
    `INSERT INTO campaign_rollups (day, campaign, source, type, bounce, machine, n, uniques, unique_humans)
     SELECT ?1, c.value, 'mailjet', 'opened', '', 'human', ?2, 1, 1 FROM json_each('["7", "other"]') AS c`,
  )
    .bind(BEGAN - (BEGAN % 86_400_000), events / 2)
    .run();
}

let opened = 0;

const open = async (email: string): Promise<void> => {
  opened += 1;
  const told = mailjetEvent({ email, time: 1_795_000_000 + opened, MessageID: 1_000 + opened });
  await deliver(await messagesOf(mailjetPost(JSON.stringify([told]))), envWith());
};

/** Rows that D1 reads for this. */
async function rowsRead(work: () => Promise<unknown>): Promise<number> {
  const before = totalRowsRead();
  await work();
  return totalRowsRead() - before;
}

const WORK: Readonly<Record<string, () => Promise<unknown>>> = {
  "one more open": async () => await open("ann@example.com"),
  "a page": async () => await (await read("/v1/events?contact=ann@example.com")).text(),
  "the last page": async () =>
    await (await read("/v1/events?contact=ann@example.com&order=desc&limit=1000")).text(),
  "a page of the timeline": async () => await (await read("/v1/contacts/ann@example.com/timeline")).text(),
  "a message": async () => await (await read("/v1/messages/1")).text(),
  "the messages of a campaign": async () =>
    await (await read("/v1/messages?contact=ann@example.com&campaign=7")).text(),
};

describe("a contact with many events", () => {
  it("costs no more than one with fewer, whatever is asked", async () => {
    const costs: Record<string, number[]> = {};
    for (const events of [10_000, 40_000]) {
      await freshStorage();
      await fill("ann@example.com", events);
      await env.DB.prepare(
        "INSERT INTO message_rows (message_id, prefix, kind) SELECT '1', substr(min(id), 1, 8), min(kind) FROM event_rows",
      ).run();
      await open("ann@example.com"); // finds out that the contact is busy
      for (const [name, work] of Object.entries(WORK)) (costs[name] ??= []).push(await rowsRead(work));
    }
    for (const [name, [few = 0, many = 0]] of Object.entries(costs))
      expect(many / few, `${name}: ${few} rows, then ${many}`).toBeLessThan(1.5);
    expect(costs["one more open"]?.[1]).toBeLessThan(1_500);
  });

  it("is listed whole, page by page, and in the order of storage", async () => {
    await freshStorage();
    await fill("ann@example.com", 11_000);
    await open("bob@example.com");
    await open("ann@example.com");
    const text = await (
      await read("/v1/events?contact=ann@example.com", { headers: { accept: "application/x-ndjson" } })
    ).text();
    const seqs = text
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { seq: number }).seq);
    const stored = await rows<{ seq: number }>(
      "SELECT seq FROM events WHERE contact = 'ann@example.com' ORDER BY seq",
    );
    expect(seqs).toEqual(stored.map(({ seq }) => seq));
    expect(seqs).toHaveLength(11_001);
  });

  it("counts once in each campaign, before and after it is busy, and an earlier open takes the count", async () => {
    await freshStorage();
    const uniques = async (): Promise<unknown> =>
      await rows(
        "SELECT campaign, sum(uniques) AS u, sum(unique_humans) AS h FROM campaign_rollups GROUP BY 1 ORDER BY 1",
      );
    await open("ann@example.com");
    await fill("ann@example.com", 1_100);
    await env.DB.prepare("UPDATE campaign_rollups SET uniques = 0, unique_humans = 0 WHERE day < ?1")
      .bind(BEGAN + 86_400_000)
      .run();
    await open("ann@example.com");
    await open("ann@example.com");
    // Before it was busy it counted once; the rows beside it were not counted by anybody.
    expect(await uniques()).toEqual([
      { campaign: "7", u: 1, h: 1 },
      { campaign: "other", u: 0, h: 0 },
    ]);
    const other = mailjetEvent({
      email: "ann@example.com",
      time: 1_795_100_000,
      MessageID: 5,
      mj_campaign_id: 8,
    });
    for (const time of [1_795_100_000, 1_795_000_500, 1_795_200_000])
      await deliver(await messagesOf(mailjetPost(JSON.stringify([{ ...other, time }]))), envWith());
    const cells = await rows(
      "SELECT day, uniques FROM campaign_rollups WHERE campaign = '8' AND uniques <> 0",
    );
    expect(cells).toEqual([{ day: 1_795_000_500_000 - (1_795_000_500_000 % 86_400_000), uniques: 1 }]);
    expect(await figure("SELECT count(*) AS n FROM contact_firsts WHERE contact = 'ann@example.com'")).toBe(
      4,
    );
  });
});
