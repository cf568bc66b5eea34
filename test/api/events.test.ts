// /v1's reads: events, contacts and messages, and the answers to wrong requests.

import { env } from "cloudflare:workers";
import { beforeEach, beforeAll, describe, expect, it } from "vitest";
import {
  askApi,
  deliver,
  envWith,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  read,
  send,
} from "../support/support.ts";
import { page, type Page } from "./pages.ts";
import { countingDb } from "../support/counting-db.ts";
import { expectLogs } from "../support/log.ts";

beforeEach(() => expectLogs(/a request met an outage/));

interface Problem {
  status: number;
  detail: string;
  errors?: { parameter: string; reason: string }[];
}

describe("reading", () => {
  beforeAll(async () => {
    await freshStorage();
    const kinds = ["sent", "open", "click"];
    const events = Array.from({ length: 45 }, (_, i) =>
      mailjetEvent({
        event: kinds[i % 3],
        time: 1_790_000_000 + ((i * 7) % 45) * 60,
        email: `P${i % 5}+tag@Exämple.com`,
        MessageID: 100 + Math.floor(i / 3),
        url: "https://example.com",
      }),
    );
    await deliver(
      await messagesOf(
        mailjetPost(JSON.stringify(events.slice(0, 20))),
        mailjetPost(JSON.stringify(events.slice(20))),
      ),
    );
  });

  it("pages through the feed both ways without skipping or repeating an event", async () => {
    for (const order of ["asc", "desc"]) {
      const seen: number[] = [];
      let after = "";
      for (let turn = 0; turn < 20; turn++) {
        const { events, next } = await page(`?limit=7&order=${order}${after}`);
        seen.push(...events.map(({ seq }) => seq));
        if (next === null) break;
        after = `&after=${next}`;
      }
      const sorted = [...seen].sort((a, b) => (order === "asc" ? a - b : b - a));
      expect(seen).toEqual(sorted);
      expect(new Set(seen).size).toBe(45);
    }
  });

  it("filters events by contact, type, source, message and time, alone and combined", async () => {
    expect((await page("?type=opened")).events).toHaveLength(15);
    expect((await page("?source=mailjet&limit=1000")).events).toHaveLength(45);
    expect((await page("?source=other")).events).toHaveLength(0);
    expect((await page("?message_id=103")).events).toHaveLength(3);
    expect((await page("?message_id=none")).events).toHaveLength(0);
    const since = new Date(1_790_000_000_000 + 40 * 60_000).toISOString();
    expect((await page(`?since=${since}`)).events).toHaveLength(5);
    expect((await page(`?until=${since}`)).events).toHaveLength(40);
    const filter = "contact=p0%2Btag%40ex%C3%A4mple.com";
    expect((await page(`?${filter}`)).events).toHaveLength(9);
    expect((await page(`?${filter}&type=clicked&limit=1`)).next).not.toBeNull();
    const walked: string[] = [];
    let next: string | null = "0";
    while (next !== null) {
      const part: Page = await page(`?${filter}&limit=2&after=${next}`);
      walked.push(...part.events.map(({ id }) => id));
      next = part.next;
    }
    expect(new Set(walked).size).toBe(9);
  });

  it("finds the same contact by every spelling of the address", async () => {
    for (const spelling of [
      "p1%2Btag@ex%C3%A4mple.com",
      "P1+TAG%40EX%C3%84MPLE.COM",
      "%20p1+tag@exa%CC%88mple.com%20",
    ]) {
      const shown = await (
        await read(`/v1/contacts/${spelling}`)
      ).json<{ contact: string; counts: Record<string, number> }>();
      expect(shown.contact).toBe("p1+tag@xn--exmple-cua.com");
      expect(shown.counts).toEqual({ delivered: 3, opened: 3, clicked: 3 });
    }
    expect((await page("?contact=p1+tag@ex%C3%A4mple.com")).events).toHaveLength(9);
  });

  it("returns a contact's timeline page by page, latest occurrence first", async () => {
    const times: string[] = [];
    let after = "";
    for (let turn = 0; turn < 10; turn++) {
      const part = await (
        await read(`/v1/contacts/p2+tag@ex%C3%A4mple.com/timeline?limit=4${after}`)
      ).json<Page>();
      times.push(...part.events.map(({ occurred_at }) => occurred_at));
      if (part.next === null) break;
      after = `&after=${part.next}`;
    }
    expect(times).toHaveLength(9);
    expect(times).toEqual(times.toSorted().toReversed());
  });

  it("returns a message with its status, recipients and events", async () => {
    const message = await (await read("/v1/messages/104")).json<Record<string, unknown>>();
    expect(message).toMatchObject({
      message_id: "104",
      status: "clicked",
      source: "mailjet",
      custom_id: null,
    });
    expect(message["recipients"]).toHaveLength(3);
    expect(message["events"]).toHaveLength(3);
  });

  it("returns one event with its raw element, or with raw null if the archive no longer has it", async () => {
    const { events } = await page("?limit=1");
    const id = events[0]?.id ?? "";
    const event = await (await read(`/v1/events/${id}`)).json<Record<string, unknown>>();
    expect(event).toMatchObject({ ...events[0], raw: { event: "sent", MessageID: 100 } });
    for (const { key } of (await env.BUCKET.list({ prefix: "archive/" })).objects)
      await env.BUCKET.delete(key);
    expect((await (await read(`/v1/events/${id}`)).json<Record<string, unknown>>())["raw"]).toBeNull();
  });

  it("scans no table: every look-up uses an index", async () => {
    const { db, asked } = countingDb();
    const paths = [
      "/events?type=opened",
      "/events?order=desc",
      "/events?contact=a@b.c",
      "/events?message_id=1",
      "/events/x",
      "/contacts/a@b.c",
      "/contacts/a@b.c/timeline",
      "/messages/1",
      "/messages?custom_id=1",
      "/messages?contact=a@b.c&campaign=1",
      "/tokens",
      "/dead-letters",
      "/dead-letters/x",
      "/sources",
    ];
    for (const path of paths) await askApi("GET", `/v1${path}`, undefined, envWith({ DB: db }));
    expect(new Set(asked).size).toBeGreaterThanOrEqual(10);
    for (const sql of new Set(asked)) {
      const filled = sql.replaceAll(/\?\d/g, "'[]'");
      const plan = (await env.DB.prepare(`EXPLAIN QUERY PLAN ${filled}`).all<{ detail: string }>()).results;
      for (const { detail } of plan)
        expect(detail, sql).not.toMatch(/SCAN (events|messages|contacts|suppressions|rollups)\b/);
    }
  });
});

describe("error answers", () => {
  const problemOf = async (path: string): Promise<Problem> => {
    const response = await read(path);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    const problem = await response.json<Problem>();
    expect(problem.status).toBe(response.status);
    return problem;
  };

  it("are the same 401 for a missing, malformed or wrong token on every path", async () => {
    const bodies = new Set<string>();
    for (const headers of [
      {},
      { authorization: "Bearer wrong" },
      { authorization: "Bearer " },
      { authorization: "Basic YTpi" },
      { authorization: "api-token" },
    ]) {
      for (const path of ["/v1/events", "/v1/contacts/ann@example.com", "/v1/none"]) {
        const response = await send(
          new Request(`https://edge.example${path}`, { headers: headers as HeadersInit }),
          envWith(),
        );
        expect(response.status).toBe(401);
        expect(response.headers.get("www-authenticate")).toContain("Bearer");
        bodies.add(await response.text());
      }
    }
    expect(bodies.size).toBe(1);
    const closed = new Request("https://edge.example/v1/events", { headers: { authorization: "Bearer " } });
    for (const API_TOKENS of ["{}", '{"a":""}', "nonsense"])
      expect((await send(closed, envWith({ API_TOKENS }))).status).toBe(401);
  });

  it("are 400 and name every wrong parameter", async () => {
    const wrong: [query: string, parameter: string][] = [
      ["limit=0", "limit"],
      ["limit=1001", "limit"],
      ["limit=ten", "limit"],
      ["after=x", "after"],
      ["after=-1", "after"],
      ["after=1e9", "after"],
      ["order=up", "order"],
      ["type=exploded", "type"],
      ["contact=nobody", "contact"],
      ["since=yesterday", "since"],
      ["until=2026-13-01", "until"],
      ["limt=5", "limt"],
      ["__proto__=1", "__proto__"],
    ];
    for (const [query, parameter] of wrong) {
      const problem = await problemOf(`/v1/events?${query}`);
      expect(problem.status, query).toBe(400);
      expect(
        problem.errors?.map((error) => error.parameter),
        query,
      ).toContain(parameter);
      expect(problem.detail).toContain(parameter);
    }
    expect((await problemOf("/v1/contacts/nobody")).status).toBe(400);
    expect((await problemOf("/v1/contacts/ann@example.com/timeline?after=x")).status).toBe(400);
    expect((await problemOf("/v1/dead-letters?after=%27%27")).status).toBe(400);
  });

  it("are 404 for unknown paths and resources", async () => {
    for (const path of [
      "/v1",
      "/v1/none",
      "/v1/events/none",
      "/v1/messages/none",
      "/v1/contacts/none@example.com",
      "/v1/dead-letters/none",
    ]) {
      expect((await problemOf(path)).status, path).toBe(404);
    }
  });

  it("are 503 without any detail of the failure if the database fails", async () => {
    const prepare = () => {
      throw new Error("D1_ERROR: secret detail");
    };
    const failing = { prepare, withSession: () => ({ prepare, getBookmark: () => null }) };
    const response = await askApi("GET", "/v1/events", undefined, envWith({ DB: failing }));
    expect(response.status).toBe(503);
    expect(await response.text()).not.toContain("secret");
  });
});
