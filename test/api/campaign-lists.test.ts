// Who got a campaign, opened or clicked it, and who did not: lists against the same question asked of all events by hand.

import { env } from "cloudflare:workers";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { eventId } from "../../src/model/event-id.ts";
import { totalRowsRead } from "../support/limits.ts";
import { nameInFeed, nextSeq } from "../support/feed-sql.ts";
import {
  countAll,
  askApi,
  deliver,
  envWith,
  figure,
  freshStorage,
  messagesOf,
  read,
  rows,
} from "../support/support.ts";
import { countingDb } from "../support/counting-db.ts";
import { recount, tell, type Told } from "./stats/told.ts";

beforeEach(freshStorage);

const BASE = Date.UTC(2026, 8, 27);

interface Contact {
  contact: string;
  [flag: string]: string | boolean | number;
}

/** All pages of a list, with this limit. */
async function all<T>(path: string, list: string, size: number): Promise<T[]> {
  const items: T[] = [];
  let after = "";
  for (let pages = 0; pages < 500; pages += 1) {
    const answer = await read(`${path}&limit=${size}${after}`);
    if (answer.status !== 200) throw new Error(await answer.text());
    const page = await answer.json<Record<string, T[]> & { next: string | null }>();
    items.push(...(page[list] ?? []));
    expect(page[list]?.length).toBeLessThanOrEqual(size);
    if (page.next === null) return items;
    after = `&after=${page.next}`;
  }
  throw new Error("the pages never end");
}

const PEOPLE = ["ann@gmail.com", "bob@outlook.com", "cy@example.com", "di@example.com", "ed@gmail.com"];
const KINDS = ["sent", "delivered", "opened", "clicked", "bounced", "complained", "unsubscribed", "blocked"];

const told = fc.record({
  source: fc.constant("generic" as const),
  type: fc.constantFrom(...KINDS),
  machine: fc.constantFrom(true, false, null),
  contact: fc.constantFrom(...PEOPLE),
  campaign: fc.constantFrom("spring", "a, b", "other", null),
  at: fc.integer({ min: 0, max: 9 * 86_400 }),
});
const histories = fc
  .uniqueArray(told, { selector: ({ at }) => at, minLength: 1, maxLength: 40 })
  .map((events) =>
    events.map(({ at, machine, ...event }): Told => ({
      ...event,
      machine: /opened|clicked/.test(event.type) ? machine : null,
      bounce: event.type === "bounced" ? "hard" : "",
      tags: [],
      at: BASE + at * 1_000,
    })),
  );

/** What each contact of the campaigns did. */
function byHand(events: readonly Told[], campaigns: readonly string[]): Map<string, Record<string, boolean>> {
  const groups = Map.groupBy(
    events.filter(({ campaign }) => campaign !== null && campaigns.includes(campaign)),
    ({ contact }) => contact,
  );
  return new Map(
    [...groups].map(([contact, own]) => {
      const did = (type: string) => own.some((event) => event.type === type);
      const human = (type: string) => own.some((event) => event.type === type && event.machine !== true);
      const plain = ["delivered", "opened", "clicked", "bounced", "blocked", "complained", "unsubscribed"];
      return [
        contact,
        {
          ...Object.fromEntries(plain.map((type) => [type, did(type)])),
          opened_human: human("opened"),
          clicked_human: human("clicked"),
        },
      ];
    }),
  );
}

describe("the contacts of a campaign", () => {
  it("are listed once, with what they did, in pages of any size and whatever the order of arrival", async () => {
    const questions = fc.dictionary(
      fc.constantFrom("opened", "clicked", "delivered", "bounced", "opened_human", "complained"),
      fc.boolean(),
      { maxKeys: 2 },
    );
    await fc.assert(
      fc.asyncProperty(
        histories,
        questions,
        fc.integer({ min: 1, max: 7 }),
        fc.constantFrom(1, 9, 100),
        async (events, wanted, size, batch) => {
          await freshStorage();
          await tell(events, batch);
          for (const campaigns of [["spring"], ["spring", "a, b"]]) {
            const query = new URLSearchParams(campaigns.map((name) => ["campaign", name]));
            for (const [name, value] of Object.entries(wanted)) query.set(name, String(value));
            const listed = await all<Contact>(`/v1/contacts?${query.toString()}`, "contacts", size);
            const expected = [...byHand(events, campaigns)].filter(([, did]) =>
              Object.entries(wanted).every(([name, value]) => did[name] === value),
            );
            expect(listed.map(({ contact }) => contact).toSorted()).toEqual(
              expected.map(([contact]) => contact).toSorted(),
            );
            for (const contact of listed)
              expect(contact).toMatchObject(byHand(events, campaigns).get(contact.contact) ?? {});
          }
        },
      ),
      { numRuns: 12 },
    );
  }, 120_000);

  const mail = (contact: string, type: string, more: Partial<Told> = {}): Told => ({
    source: "generic",
    type,
    bounce: "",
    machine: null,
    contact,
    campaign: "spring",
    tags: [],
    at: BASE + type.length * 1_000 + contact.length * 60_000 + contact.charCodeAt(0),
    ...more,
  });

  it("can be asked for by domain, and for those who did not open and may still be mailed, as CSV too", async () => {
    await tell([
      mail("ann@gmail.com", "delivered"),
      mail("bob@example.com", "delivered"),
      mail("cyrus@example.com", "delivered"),
      mail("ann@gmail.com", "opened"),
      mail("cyrus@example.com", "complained"),
    ]);
    const names = async (query: string) =>
      (await all<Contact>(`/v1/contacts?campaign=spring&${query}`, "contacts", 100)).map(
        ({ contact }) => contact,
      );
    expect(await names("delivered=true&opened=false")).toEqual(["bob@example.com", "cyrus@example.com"]);
    expect(await names("delivered=true&opened=false&suppressed=false")).toEqual(["bob@example.com"]);
    expect(await names("domain=example.com")).toEqual(["bob@example.com", "cyrus@example.com"]);
    const csv = await (
      await read("/v1/contacts?campaign=spring&opened=false", { headers: { accept: "text/csv" } })
    ).text();
    expect(csv.split("\r\n")[0]).toMatch(/^contact,delivered,opened,/);
    expect(csv).toContain("bob@example.com,true,false");
    expect(csv.trim().split("\r\n")).toHaveLength(3);
  });

  it("are found where it is not known where their events lie: in old cells, and in cells that were counted again", async () => {
    await tell([mail("ann@gmail.com", "delivered"), mail("bob@example.com", "opened")], 1);
    await countAll();
    await env.DB.prepare(
      "UPDATE campaign_rollups SET first_seq = NULL, last_seq = NULL WHERE type = 'opened'",
    ).run();
    const names = async () =>
      (await all<Contact>("/v1/contacts?campaign=spring", "contacts", 100)).map(({ contact }) => contact);
    expect(await names()).toEqual(["ann@gmail.com", "bob@example.com"]);
    await tell([mail("cyrus@example.com", "opened")]);
    expect(await names()).toEqual(["ann@gmail.com", "bob@example.com", "cyrus@example.com"]);
    expect(
      await figure("SELECT count(*) AS n FROM campaign_rollups WHERE type = 'opened' AND first_seq IS NULL"),
    ).toBe(1);
    await env.DB.prepare(
      "UPDATE campaign_rollups SET n = n + 3, first_seq = 3, last_seq = 3 WHERE type = 'delivered'",
    ).run();
    expect(await recount({ apply: true })).toMatchObject({ status: "done", differing: 1 });
    expect(await names()).toEqual(["ann@gmail.com", "bob@example.com", "cyrus@example.com"]);
  });

  it("cost reading in proportion to the campaign, not to the feed around it", async () => {
    const events = async (n: number, first: number, campaign: string | null): Promise<void> => {
      const list = Array.from({ length: n }, (_, i) => {
        const contact = `p${first + i}@example.com`;
        const at = BASE + (first + i) * 1_000;
        return [
          eventId({ contact, occurred_at: at }, String(first + i).padStart(16, "0")),
          contact,
          at,
          campaign,
        ];
      });
      await env.DB.prepare(
        `INSERT INTO events (seq, id, contact, at, received_at, source, provider, type, bounce, destination, machine, message_id,
           campaign, line, element, details)
         SELECT ${nextSeq("1 + key")}, value->>0, value->>1, value->>2, value->>2, 'generic', 'generic', 'delivered', '', 'other', '', NULL,
           value->>3, 0, 0, NULL FROM json_each(?1)`,
      )
        .bind(JSON.stringify(list))
        .run();
      await env.DB.prepare(nameInFeed("b")).run();
      await countAll();
    };
    const cost = async (path: string): Promise<[rows: number, items: number]> => {
      const before = totalRowsRead();
      const answer = await (await read(path)).json<Record<string, unknown[]>>();
      return [
        totalRowsRead() - before,
        (answer["contacts"] ?? answer["events"] ?? answer["messages"])?.length ?? 0,
      ];
    };
    await events(5_000, 0, null);
    await tell(
      Array.from({ length: 60 }, (_, i) => mail(`q${i}@example.com`, "delivered", { at: BASE + i * 1_000 })),
    );
    const few = await cost("/v1/contacts?campaign=spring&opened=false");
    await events(25_000, 10_000, null);
    const many = await cost("/v1/contacts?campaign=spring&opened=false");
    expect(few[1]).toBe(60);
    expect(many[1]).toBe(60);
    expect(many[0]).toBeLessThan(few[0] + 50);
    expect(many[0]).toBeLessThan(1_000);
    for (const path of [
      "/v1/events?campaign=spring",
      "/v1/events?campaign=spring&order=desc",
      "/v1/messages?campaign=spring",
    ]) {
      const [read_, items] = await cost(path);
      expect(items, path).toBe(60);
      expect(read_, path).toBeLessThan(1_700); // an event's row, its kind and its names
    }
    // A campaign that runs along with all other mail is read step by step.
    await env.DB.prepare(
      "UPDATE campaign_rollups SET first_seq = 1, last_seq = 30060 WHERE campaign = 'spring'",
    ).run();
    const spread = await cost("/v1/contacts?campaign=spring&opened=true");
    expect(spread[1]).toBe(0);
    expect(spread[0]).toBeLessThan(220_000);
  }, 60_000);

  it("scan no table", async () => {
    const { db, asked } = countingDb();
    await tell([mail("ann@gmail.com", "delivered")]);
    for (const path of [
      "/contacts?campaign=spring&opened=false",
      "/messages?campaign=spring",
      "/events?campaign=spring&type=opened,clicked",
      "/contacts?changed_after=0&domain=example.com",
      "/suppressions?changed_after=0",
    ])
      expect((await askApi("GET", `/v1${path}`, undefined, envWith({ DB: db }))).status, path).toBe(200);
    for (const sql of new Set(asked)) {
      const plan = await rows<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql.replaceAll(/\?\d/g, "'[]'")}`);
      for (const { detail } of plan)
        expect(detail, sql).not.toMatch(
          /SCAN (events|e|l|messages|contacts|suppressions|campaign_rollups)\b/,
        );
    }
  });
});

describe("the messages of a campaign", () => {
  it("are listed once for each recipient, with their events, and by what became of them", async () => {
    const reports = Array.from({ length: 130 }, (_, i) =>
      ["delivered", ...(i % 3 === 0 ? ["opened"] : [])].map((event, k) => ({
        event,
        email: `p${i % 40}@example.com`,
        message_id: `m${i}`,
        campaign: i % 2 === 0 ? "spring" : "autumn",
        timestamp: new Date(BASE + i * 60_000 + k * 1_000).toISOString(),
      })),
    ).flat();
    const url = "https://edge.example/webhooks/generic?token=generic-token-of-the-tests";
    await deliver(await messagesOf(new Request(url, { method: "POST", body: JSON.stringify(reports) })));
    type Mail = { message_id: string; status: string; contact: string; events: unknown[] };
    for (const size of [7, 1_000]) {
      const spring = await all<Mail>("/v1/messages?campaign=spring", "messages", size);
      expect(spring.map(({ message_id }) => message_id).toSorted()).toEqual(
        Array.from({ length: 65 }, (_, i) => `m${2 * i}`).toSorted(),
      );
      const isWhole = ({ message_id, events }: Mail): boolean =>
        events.length === (Number(message_id.slice(1)) % 3 === 0 ? 2 : 1);
      expect(spring.every(isWhole)).toBe(true);
    }
    const both = await all<Mail>(
      "/v1/messages?campaign=spring&campaign=autumn&opened=true",
      "messages",
      1_000,
    );
    expect(both).toHaveLength(44);
    expect(both.every(({ status }) => status === "opened")).toBe(true);
    const lines = await (
      await read("/v1/messages?campaign=autumn", { headers: { accept: "application/x-ndjson" } })
    ).text();
    expect(lines.trim().split("\n")).toHaveLength(65);
  });
});

describe("questions that do not fit", () => {
  it.each([
    ["/contacts", "campaign"],
    ["/contacts?opened=false", "campaign"],
    ["/contacts?campaign=x&changed_after=0", "campaign"],
    ["/contacts?changed_after=0&opened=true", "opened"],
    ["/contacts?campaign=x&opened=yes", "opened"],
    ["/contacts?campaign=x&after=abc", "after"],
    ["/messages?campaign=x&custom_id=1", "campaign"],
    ["/messages?custom_id=1&opened=true", "opened"],
    ["/messages?contact=ann@example.com&campaign=x&after=abc", "after"],
    ["/suppressions?changed_after=0&held=true", "held"],
    ["/suppressions?changed_after=never", "changed_after"],
  ])("are refused by name: %s", async (path, parameter) => {
    const answer = await read(`/v1${path}`);
    expect(answer.status).toBe(400);
    const { errors } = await answer.json<{ errors: { parameter: string }[] }>();
    expect(errors[0]?.parameter).toBe(parameter);
  });
});
