// The rows of others that mention an erased contact: custom ids, metadata, words of servers, message ids, campaigns,
// tags, dead letters and logs. Afterwards nothing mentions the address, and nothing else has changed.

import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { contactPrefix } from "../../src/model/event-id.ts";
import {
  DEAD_QUEUE,
  deliver,
  envWith,
  figure,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  read,
  rows,
  send,
  runScheduled,
} from "../support/support.ts";
import { ANN, ask, erase, freshWithKey, pass, receipt, settle, traces, type Receipt } from "./asking.ts";

beforeEach(async () => {
  await freshWithKey();
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
});

afterEach(() => void vi.useRealTimers());

const BOB = "bob@example.com";
const ERASED = "erased@tidings.invalid";

const genericPost = (events: readonly object[]): Request =>
  new Request("https://edge.example/webhooks/generic", {
    method: "POST",
    headers: { authorization: "Bearer generic-token-of-the-tests", "content-type": "application/json" },
    body: JSON.stringify(events),
  });

const bobs = (fields: object): object => ({
  event: "clicked",
  email: BOB,
  timestamp: 1_790_000_000,
  campaign: "digest",
  message_id: "m-1",
  url: "https://example.com/",
  ...fields,
});

const SUMS = `SELECT (SELECT sum(n) FROM rollups) AS times, (SELECT sum(n) FROM day_rollups) AS days,
  (SELECT sum(n) FROM campaign_rollups) AS campaigns, (SELECT sum(uniques) FROM campaign_rollups) AS uniques,
  (SELECT sum(unique_humans) FROM campaign_rollups) AS humans, (SELECT sum(n) FROM tag_rollups) AS tags`;

async function recounted(): Promise<unknown> {
  const request = new Request("https://edge.example/v1/stats/recount", {
    method: "POST",
    headers: { authorization: "Bearer api-token", "content-type": "application/json" },
    body: JSON.stringify({ from: "2026-09-20T00:00:00Z", to: "2026-09-25T00:00:00Z" }),
  });
  return await (await send(request, envWith())).json();
}

const SPELLINGS = [
  "ann@example.com",
  "Ann@EXAMPLE.com",
  "ann%40example.com",
  "ann%2540example.com",
  "a%6en@example.com",
  String.raw`ann\u0040example.com`,
  "ann&#64;example.com",
  "ann&#x40;example.com",
  "ann=example.com",
  "ann=40example.com",
  "ann&commat;example.com",
];

describe("the rows of others that mention an erased contact", () => {
  it.each(SPELLINGS)("keep everything but the address, written as %s", async (written) => {
    const fields = (address: string): object => ({
      custom_id: `invite:${address}`,
      campaign: `for ${address}`,
      message_id: `<${address}/1>`,
      tags: [`to:${address}`, "plain"],
      metadata: { referred_by: address, other: "kept" },
      description: `550 5.1.1 <${address}>: forwarded, user unknown`,
    });
    await deliver(
      await messagesOf(
        genericPost([
          { event: "delivered", email: ANN, timestamp: 1_790_000_000, campaign: `for ${written}` },
          bobs(fields(written)),
          bobs({ message_id: "m-2", timestamp: 1_790_000_007, tags: ["plain"] }),
        ]),
      ),
    );
    const before = await rows<{ id: string; details: string }>(
      `SELECT * FROM events WHERE contact = '${BOB}'`,
    );
    expect(before).toHaveLength(2);
    const sums = await rows(SUMS);
    const first = await erase();
    expect(first.removed).toMatchObject({ events: 1, mentions: 1, names: 1 });
    await settle();
    expect(await traces(ANN)).toEqual([]);
    expect(await receipt(first.id)).toMatchObject({ status: "done", removed: { mentions: 1, names: 1 } });

    const after = await rows<{ details: string }>(`SELECT * FROM events WHERE contact = '${BOB}'`);
    expect(after[0]).toMatchObject({
      message_id: `<${ERASED}/1>`,
      campaign: `for ${ERASED}`,
      custom_id: `invite:${ERASED}`,
    });
    expect(JSON.parse(after[0]?.details ?? "{}")).toMatchObject({
      metadata: { referred_by: ERASED, other: "kept" },
    });
    const texts = new Set(["message_id", "campaign", "custom_id", "tags", "details", "details_size"]);
    const withoutTexts = (row: object | undefined): object =>
      Object.fromEntries(Object.entries(row ?? {}).filter(([name]) => !texts.has(name)));
    expect(withoutTexts(after[0])).toEqual(withoutTexts(before[0]));
    expect(after[1]).toEqual(before[1]);
    const prefix = contactPrefix(BOB);
    expect(await rows("SELECT message_id, prefix, custom_id FROM messages ORDER BY 1")).toEqual([
      { message_id: `<${ERASED}/1>`, prefix, custom_id: `invite:${ERASED}` },
      { message_id: "m-2", prefix, custom_id: null },
    ]);
    expect(await rows(SUMS)).toEqual(sums);
    expect(await rows("SELECT DISTINCT campaign FROM campaign_rollups ORDER BY 1")).toEqual([
      { campaign: "digest" },
      { campaign: `for ${ERASED}` },
    ]);
    expect(await rows("SELECT DISTINCT tag FROM tag_rollups ORDER BY 1")).toEqual([
      { tag: "plain" },
      { tag: `to:${ERASED}` },
    ]);
    expect(await recounted()).toMatchObject({ status: "done", differing: 0 });
    const history = new Request("https://edge.example/v1/history/renormalise", {
      method: "POST",
      headers: { authorization: "Bearer api-token", "content-type": "application/json" },
      body: JSON.stringify({
        from: new Date(Date.now() - 86_400_000).toISOString(),
        to: new Date(Date.now() + 86_400_000).toISOString(),
      }),
    });
    expect(await (await send(history, envWith())).json()).toMatchObject({
      changed: 0,
      appeared: 0,
      vanished: 0,
    });
  });

  it("stay as they are if they name a similar address, or were received after the erasure", async () => {
    const mention = bobs({ custom_id: "invite:joann@example.com", campaign: "for ann@example.com.au" });
    await deliver(await messagesOf(genericPost([mention])));
    const before = await rows("SELECT * FROM events");
    await erase();
    pass(1_000);
    await deliver(
      await messagesOf(
        genericPost([bobs({ timestamp: 1_790_000_009, custom_id: `invite:${ANN}`, campaign: `for ${ANN}` })]),
      ),
    );
    await settle();
    const after = await rows<{ campaign: string }>("SELECT * FROM events ORDER BY seq");
    expect(after[0]).toEqual(before[0]);
    expect(after[1]).toMatchObject({ campaign: `for ${ANN}` });
    expect(await recounted()).toMatchObject({ status: "done", differing: 0 });
  });

  it("lose it before they are stored, if they were received before the erasure", async () => {
    const unread = mailjetEvent({ email: BOB, CustomID: `invite:${ANN}`, event: "" });
    const waiting = await messagesOf(
      genericPost([
        bobs({ custom_id: `invite:${ANN}`, tags: [ANN], campaign: `for ${ANN}` }),
        bobs({ timestamp: 1_790_000_009 }),
      ]),
      mailjetPost(JSON.stringify([unread, mailjetEvent({ email: BOB, event: "sent" })])),
    );
    await erase();
    await settle();
    expect((await deliver(waiting)).acked).toHaveLength(2);
    expect(await traces(ANN)).toEqual([]);
    expect(await figure(`SELECT count(*) AS n FROM events WHERE contact = '${BOB}'`)).toBe(3);
    const letters = await rows<{ raw: string }>("SELECT raw FROM dead_letters");
    expect(letters.map(({ raw }) => JSON.parse(raw) as unknown)).toEqual([
      { ...unread, CustomID: `invite:${ERASED}` },
    ]);
  });

  it("are found wherever they stand among many, by several erasures that share one walk", async () => {
    const names = ["ann@example.com", "cem@example.com", "dan@example.com"];
    for (let part = 0; part < 3; part++)
      await deliver(
        await messagesOf(
          genericPost(
            Array.from({ length: 400 }, (_, i) =>
              bobs({
                timestamp: 1_790_000_000 + part * 400 + i,
                custom_id: i % 97 === 0 ? names[part] : "none",
              }),
            ),
          ),
        ),
      );
    const asked = await Promise.all(names.map(async (name) => await (await ask(name)).json<Receipt>()));
    pass(21 * 60_000);
    for (let i = 0; i < 3; i++) await runScheduled();
    for (const name of names) expect(await traces(name)).toEqual([]);
    for (const { id } of asked)
      expect(await receipt(id)).toMatchObject({ status: "done", removed: { mentions: 5 } });
    expect(
      await figure(
        "SELECT count(*) AS n FROM events WHERE custom_id || coalesce(tags, '') || coalesce(details, '') LIKE '%erased@tidings.invalid%'",
      ),
    ).toBe(15);
  });
});

describe("counters of rows that retention has deleted", () => {
  it("lose the name, and keep their sums", async () => {
    const events = [1, 2].map((n) =>
      bobs({ timestamp: 1_790_000_000 + n, campaign: `for ${ANN}`, tags: [ANN] }),
    );
    await deliver(await messagesOf(genericPost([...events, bobs({ campaign: `for ${ERASED}` })])));
    const sums = await rows(SUMS);
    await env.DB.batch([
      env.DB.prepare("DELETE FROM events WHERE campaign <> ?1").bind(`for ${ERASED}`),
      env.DB.prepare("DELETE FROM messages"),
      ...["campaign_rollups", "tag_rollups"].map((table) =>
        env.DB.prepare(
          `UPDATE ${table} SET gone = n WHERE ${table === "tag_rollups" ? "tag" : "campaign"} NOT LIKE '%erased%'`,
        ),
      ),
    ]);
    const { id } = await erase();
    await settle();
    expect(await traces(ANN)).toEqual([]);
    expect(await receipt(id)).toMatchObject({ removed: { names: 2 } });
    expect(await rows(SUMS)).toEqual(sums);
    expect(await rows("SELECT DISTINCT campaign FROM campaign_rollups")).toEqual([
      { campaign: `for ${ERASED}` },
    ]);
    expect(await rows("SELECT tag, sum(gone) AS gone FROM tag_rollups GROUP BY 1")).toEqual([
      { tag: ERASED, gone: 2 },
    ]);
  });
});

describe("dead letters and logs", () => {
  const latin1 = (text: string): Request =>
    new Request("https://edge.example/webhooks/mailjet", {
      method: "POST",
      headers: mailjetPost("[]").headers,
      body: Buffer.from(text, "latin1"),
    });

  it("a given-up delivery that is no UTF-8 is stored as text, and found", async () => {
    const given = await messagesOf(
      latin1(
        JSON.stringify([mailjetEvent({ email: ANN, name: "Andr\u00e9" }), mailjetEvent({ email: BOB })]),
      ),
      latin1(JSON.stringify([mailjetEvent({ email: ANN, name: "Andr\u00e9" })])),
    );
    await deliver(given, envWith(), { queue: DEAD_QUEUE });
    await runScheduled();
    const letters = await rows<{ raw: string }>("SELECT raw FROM dead_letters ORDER BY id");
    expect(letters[0]?.raw).toContain('"name":"Andr\uFFFD"');
    const first = await erase();
    expect(first.removed).toMatchObject({ dead_letters: 1 });
    await settle();
    expect(await traces(ANN)).toEqual([]);
    expect(await rows("SELECT raw FROM dead_letters")).toEqual([
      { raw: expect.stringContaining(BOB) as string },
    ]);
  });

  it("so is one that an earlier version stored as base64", async () => {
    const [given = new Uint8Array()] = await messagesOf(
      latin1(JSON.stringify([mailjetEvent({ email: ANN, name: "Andr\u00e9" })])),
    );
    await deliver([given], envWith(), { queue: DEAD_QUEUE });
    await runScheduled();
    const raw = Buffer.from(JSON.stringify([mailjetEvent({ email: ANN, name: "Andr\u00e9" })]), "latin1");
    await env.DB.prepare("UPDATE dead_letters SET raw = ?1").bind(raw.toString("base64")).run();
    expect(await erase()).toMatchObject({ removed: { dead_letters: 1 } });
    await settle();
    expect(await traces(ANN)).toEqual([]);
  });

  it("excerpts of answers, system events, and notes of other erasures lose the address", async () => {
    await env.DB.batch([
      ...SPELLINGS.map((written, i) =>
        env.DB.prepare(
          `INSERT INTO attempts (id, events, n, at, outcome, took, try, reason, excerpt)
             VALUES (?1, '[]', 2, 1, 'refused', 1, 1, ?2, ?2)`,
        ).bind(`pipe.${i}`, `no ${written} here`),
      ),
      env.DB.prepare(
        "INSERT INTO notices (id, type, at, told, contact, data) VALUES ('n', 'contact.lifted', 1, 1, ?1, ?2)",
      ).bind(BOB, JSON.stringify({ note: `asked by ${ANN}`, other: 1 })),
      env.DB.prepare(
        "INSERT INTO erasures (id, note, asked_at, asked_by, tombstone, finished_at) VALUES ('old', ?1, 1, 'me', 't', 2)",
      ).bind(`friend of ${ANN}`),
    ]);
    const { id } = await erase();
    expect(await rows("SELECT data FROM notices WHERE id = 'n'")).toEqual([
      { data: JSON.stringify({ note: `asked by ${ERASED}`, other: 1 }) },
    ]);
    await settle();
    expect(await traces(ANN)).toEqual([]);
    expect(await receipt(id)).toMatchObject({ removed: { mentions: SPELLINGS.length + 2 } });
    expect(await rows("SELECT DISTINCT reason, excerpt FROM attempts")).toEqual([
      { reason: `no ${ERASED} here`, excerpt: `no ${ERASED} here` },
    ]);
    expect((await read("/v1/erasures/old")).status).toBe(200);
  });
});
