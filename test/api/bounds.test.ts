// Lists whose rows are large: pages and exports stay within what a query and a request may take.

import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { asInvocation, type Invocation } from "../support/limits.ts";
import { envWith, freshStorage, read, send } from "../support/support.ts";
import { nameInFeed, nextSeq } from "../support/feed-sql.ts";

beforeEach(freshStorage);

const LINES = { headers: { accept: "application/x-ndjson" } };

/** The ids of all items, page by page as JSON. */
async function pages(path: string, list: string): Promise<string[]> {
  const ids: string[] = [];
  for (let after = ""; ;) {
    const answer = await (await read(`${path}?limit=1000${after}`)).json<Record<string, { id: string }[]>>();
    ids.push(...(answer[list] ?? []).map(({ id }) => id));
    const next = (answer as unknown as { next: string | null }).next;
    if (next === null) return ids;
    after = `&after=${next}`;
  }
}

const idsOf = (text: string): string[] =>
  text
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { id: string }).id);

/** Events with so many bytes of metadata. */
async function fill(events: number, bytes: number): Promise<void> {
  await env.DB.prepare(
    `WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < ?1)
     INSERT INTO events (seq, id, contact, at, received_at, source, provider, type, bounce, destination, machine, message_id,
       campaign, line, element, details)
     SELECT ${nextSeq("n")}, printf('p0000000%026d', n), 'ann' || n || '@example.com', 1790000000000 + n, 1790000000000, 'generic', 'generic',
       'sent', '', 'other', '', NULL, NULL, 0, 0, json_object('metadata', json_object('text', printf('%.*c', ?2, 'x')))
     FROM r`,
  )
    .bind(events, bytes)
    .run();
  await env.DB.prepare(nameInFeed("b")).run();
}

describe("large rows", () => {
  it("of the feed come in shorter pages, and none is missing", async () => {
    await fill(1_200, 20_000);
    const expected = idsOf(await (await read("/v1/events", LINES)).text());
    expect(expected).toHaveLength(1_200);
    expect(await pages("/v1/events", "events")).toEqual(expected);
    const newest = idsOf(await (await read("/v1/events?order=desc", LINES)).text());
    expect(newest).toEqual(expected.toReversed());
  });

  it("of dead letters come in shorter pages, and none is missing", async () => {
    await env.DB.prepare(
      `WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 1200)
       INSERT INTO dead_letters (id, envelope, element, source, provider, reason, raw, received_at)
       SELECT printf('e%05d.0', n), printf('e%05d', n), 0, 'generic', 'generic', 'no', printf('%.*c', 50000, 'x'), 1 FROM r`,
    ).run();
    const expected = idsOf(await (await read("/v1/dead-letters", LINES)).text());
    expect(expected).toHaveLength(1_200);
    expect(new Set(expected).size).toBe(1_200);
    expect((await pages("/v1/dead-letters", "dead_letters")).length).toBe(1_200);
  });

  it("of a contact come in shorter pages of its timeline", async () => {
    await fill(1_000, 20_000);
    const { contactPrefix } = await import("../../src/model/event-id.ts");
    await env.DB.prepare("UPDATE events SET contact = 'ann@example.com', id = ?1 || substr(id, 9)")
      .bind(contactPrefix("ann@example.com"))
      .run();
    await env.DB.prepare("DELETE FROM feed").run();
    await env.DB.prepare(nameInFeed("b")).run();
    const path = "/v1/contacts/ann@example.com/timeline";
    const expected = idsOf(await (await read(path, LINES)).text());
    expect(expected).toHaveLength(1_000);
    expect(expected).toEqual(expected.toSorted().toReversed());
    expect(await pages("/v1/events", "events")).toHaveLength(1_000);
  });
});

describe("an export", () => {
  it("of many events asks for the feed's edge once, and takes a query for 5,000 events", async () => {
    await fill(20_000, 10);
    const used: Invocation = { queries: 0, subrequests: 0 };
    const request = new Request("https://edge.example/v1/events", {
      headers: { authorization: "Bearer api-token", ...LINES.headers },
    });
    const { default: worker } = await import("../../src/index.ts");
    const { createExecutionContext } = await import("cloudflare:test");
    const text = await asInvocation(async () => {
      const response = await worker.fetch(request, envWith(), createExecutionContext());
      return await response.text();
    }, used);
    expect(idsOf(text)).toHaveLength(20_000);
    // The token's use, the edge, four pages.
    expect(used.queries).toBeLessThanOrEqual(8);
  });

  it("puts an apostrophe before formulas, and the import takes it away", async () => {
    const notes = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "'=1", "'tis", "plain"];
    for (const [n, note] of notes.entries()) {
      const headers = { authorization: "Bearer api-token", "content-type": "application/json" };
      const path = `https://edge.example/v1/suppressions/${n === 0 ? "=ann" : `ann${n}`}@example.com`;
      const put = new Request(path, { method: "PUT", headers, body: JSON.stringify({ note }) });
      expect((await send(put, envWith())).status).toBe(200);
    }
    const csv = await (await read("/v1/suppressions", { headers: { accept: "text/csv" } })).text();
    expect(csv).toContain("\r\n'=ann@example.com,");
    for (const guarded of ["'=1+1", "'+1", "'-1", "'@SUM(A1)", "'\tx", "''=1"])
      expect(csv).toContain(`,${guarded},`);
    expect(csv).toContain(`"'\rx"`);
    expect(csv).toContain(",'tis,");
    expect(csv).not.toContain(",''tis,");
    await freshStorage();
    const headers = { authorization: "Bearer api-token", "content-type": "text/csv" };
    const back = new Request("https://edge.example/v1/suppressions/import", {
      method: "POST",
      headers,
      body: csv,
    });
    expect(await (await send(back, envWith())).json()).toMatchObject({ added: notes.length, rejected: 0 });
    const again = await (await read("/v1/suppressions")).json<{ suppressions: { note: string }[] }>();
    expect(again.suppressions.map(({ note }) => note).toSorted()).toEqual(notes.toSorted());
  });
});

describe("the log of deliveries", () => {
  it("is searched for a contact and a pipe with a long id", async () => {
    const response = await read(`/v1/attempts?contact=ann@example.com&pipe=${"p".repeat(60)}`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ attempts: [], next: null });
  });
});
