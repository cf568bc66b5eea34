// Many suppressions at once: imported, exported and listed.

import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { figure, freshStorage, rows } from "../../support/support.ts";
import { secondsNow, ask, bindings, bounce, list, mailjet, status, type Page } from "./asking.ts";
import { countingDb } from "../../support/counting-db.ts";
import { expectLogs } from "../../support/log.ts";

const NOW = secondsNow();

beforeEach(() => expectLogs(/the pipes were not woken/));

const DAY = 86_400_000;

describe("suppressions in bulk", () => {
  beforeEach(freshStorage);
  const asCsv = { headers: { "content-type": "text/csv" } };
  interface Import {
    rows: number;
    added: number;
    changed: number;
    unchanged: number;
    skipped: number;
    rejected: number;
    rejects: { line: number; reason: string }[];
    estimated: { line: number; reason: string }[];
  }
  const importCsv = async (text: string) => await (await ask("POST", "/import", text, asCsv)).json<Import>();

  it("are imported as they were exported, and a second import adds none", async () => {
    await mailjet(
      bounce("hard@example.com", NOW - 5000, true),
      { event: "unsub", email: "gone@gmail.com", time: NOW - 4000 },
      { event: "spam", email: "back@gmail.com", time: NOW - 3000 },
    );
    await ask("PUT", "/ann@example.com", { note: 'said "no", twice\nand again' });
    await ask("PUT", "/bob@example.com", { scope: "mailjet:1" });
    await ask("DELETE", "/back@gmail.com");
    const accept = (type: string) => ({ headers: { accept: type } });
    const csv = await (await ask("GET", "?include=lifted", undefined, accept("text/csv"))).text();
    const ndjson = await (await ask("GET", "", undefined, accept("application/x-ndjson"))).text();
    const brief = (page: Page) =>
      page.suppressions
        .map(({ address, reason, scope, since, note, lifted_by }) => ({
          address,
          reason,
          scope,
          since,
          note,
          lifted_by,
        }))
        .sort((a, b) => (a.address < b.address ? -1 : 1));
    const before = brief(await list());
    expect(before).toHaveLength(4);
    // Into itself it changes nothing; into an empty one it brings everything that was in force.
    expect(await importCsv(csv)).toMatchObject({ rows: 5, added: 0, unchanged: 4, skipped: 1, rejected: 0 });
    for (const [type, text] of [
      ["text/csv", csv],
      ["application/x-ndjson", ndjson],
    ] as const) {
      await freshStorage();
      const headers = { headers: { "content-type": type } };
      expect(await (await ask("POST", "/import", text, headers)).json()).toMatchObject({
        added: 4,
        rejected: 0,
      });
      expect(brief(await list())).toEqual(before);
      const version = await figure("SELECT sum(version) AS n FROM contacts");
      expect(await (await ask("POST", "/import", text, headers)).json()).toMatchObject({
        added: 0,
        unchanged: 4,
      });
      expect(await figure("SELECT sum(version) AS n FROM contacts")).toBe(version);
    }
    // An imported unsubscribe is one: a later subscribe or lift ends it, and the import does not bring it back.
    await ask("DELETE", "/gone@gmail.com");
    expect(await importCsv(csv)).toMatchObject({ added: 0 });
    expect((await status("gone@gmail.com")).suppressed).toBe(false);
  });

  it("are imported row by row, and each wrong row is rejected with its line and reason", async () => {
    const began = Date.now();
    const hence = new Date(began + DAY).toISOString();
    const text = [
      "Email;Reason;since;note",
      "A@Example.com;;;",
      "nobody;;;",
      "",
      "b@example.com;whim;;",
      "c@example.com;hard_bounce;2026-01-01T00:00:00Z;old",
      "d@example.com;;soon;",
      `e@example.com;;${new Date(Date.now() + 2 * DAY).toISOString()};`,
      `f@example.com;;${hence};`,
      ";;;x",
    ].join("\r\n");
    const result = await importCsv(text);
    expect(result).toMatchObject({ rows: 8, added: 5, rejected: 3 });
    expect(result.rejects.map(({ line, reason }) => `${line} ${reason.split(" ")[0]}`)).toEqual([
      "3 address:",
      "5 reason:",
      "10 address:",
    ]);
    expect(result.estimated).toEqual([
      {
        line: 7,
        reason: "since: is no time; wanted is ISO 8601 such as 2026-11-21T09:30:00Z, or seconds since 1970",
      },
      { line: 8, reason: "since: is more than a day ahead" },
    ]);
    for (const address of ["d@example.com", "e@example.com"]) {
      const since = Date.parse((await status(address)).suppression?.since ?? "");
      expect(since, address).toBeGreaterThanOrEqual(began);
      expect(since, address).toBeLessThanOrEqual(Date.now());
    }
    expect((await status("f@example.com")).suppression?.since).toBe(hence);
    expect((await status("c@example.com")).suppression).toMatchObject({
      reason: "hard_bounce",
      since: "2026-01-01T00:00:00.000Z",
      source: "import",
      by: "tests",
      note: "old",
    });
    const asJson = await (
      await ask("POST", "/import", ["x@example.com", { address: "y@example.com", scope: "sendgrid:3" }, 5])
    ).json<Import>();
    expect(asJson).toMatchObject({ added: 2, rejects: [{ line: 3, reason: "is not an object" }] });
    for (const [body, type] of [
      ["no header\na@b.c", "text/csv"],
      ['address\n"a@b.c', "text/csv"],
      ["{", "application/json"],
      ["--x\r\n", "multipart/form-data; boundary=x"],
    ] as const)
      expect((await ask("POST", "/import", body, { headers: { "content-type": type } })).status, body).toBe(
        400,
      );
  });

  it("are checked by a thousand addresses in one batch", async () => {
    await importCsv(`address\n${Array.from({ length: 999 }, (_, i) => `p${i}@example.com`).join("\n")}`);
    const addresses = [
      "no address",
      ...Array.from({ length: 999 }, (_, i) => (i % 2 === 0 ? `P${i}@Example.com` : `q${i}@example.com`)),
    ];
    const trips: string[] = [];
    const session = {
      prepare: (sql: string) => env.DB.prepare(sql),
      batch: async (statements: D1PreparedStatement[]) => {
        trips.push("batch");
        return await env.DB.batch(statements);
      },
      getBookmark: () => null,
    };
    const watching = bindings({ DB: { withSession: () => session } });
    const answer = await ask("POST", "/check", { addresses }, { env: watching });
    const checked = (
      await answer.json<{ addresses: { address: string; suppressed: boolean; error: string | null }[] }>()
    ).addresses;
    expect(trips).toHaveLength(1);
    expect(checked.map(({ address }) => address)).toEqual(addresses);
    expect(checked[0]).toMatchObject({ suppressed: false, error: "is not an address" });
    expect(checked.slice(1).map(({ suppressed }) => suppressed)).toEqual(
      Array.from({ length: 999 }, (_, i) => i % 2 === 0),
    );
  });

  it("are listed page by page without skips or repeats while others are added", async () => {
    const line = (name: string, i: number) =>
      `${name}${i}@${i % 2 === 0 ? "gmail.com" : "example.com"},${i % 3 === 0 ? "hard_bounce" : "manual"},${new Date((NOW - 10_000 + (i % 40)) * 1000).toISOString()}`;
    const csv = (name: string, from: number, to: number) =>
      ["address,reason,since", ...Array.from({ length: to - from }, (_, i) => line(name, from + i))].join(
        "\n",
      );
    await importCsv(csv("p", 0, 300));
    for (const [query, wanted] of [
      ["", 300],
      ["&reason=hard_bounce", 100],
      ["&destination=gmail&source=import", 150],
    ] as const) {
      const seen: string[] = [];
      let after = "";
      for (let turn = 0; turn < 100; turn++) {
        const { suppressions, next } = await list(`?limit=17${query}${after}`);
        seen.push(...suppressions.map(({ address }) => address).filter((one) => one.startsWith("p")));
        if (next === null) break;
        after = `&after=${next}`;
        await importCsv(csv("other", turn * 3, turn * 3 + 3));
      }
      expect(new Set(seen).size, query).toBe(wanted);
      expect(seen, query).toHaveLength(wanted);
    }
    const since = new Date((NOW - 10_000 + 20) * 1000).toISOString();
    const part = async (query: string) =>
      (await list(`?limit=1000&${query}`)).suppressions.filter(({ address }) => address.startsWith("p"))
        .length;
    expect((await part(`since=${since}`)) + (await part(`until=${since}`))).toBe(300);
    const csvText = await (await ask("GET", "", undefined, { headers: { accept: "text/csv" } })).text();
    expect(csvText.split("\r\n").filter((row) => row.startsWith("p"))).toHaveLength(300);
  });

  it("are found by an index in every request, never by a table scan", async () => {
    const planOf = async (sql: string): Promise<{ detail: string }[]> =>
      (await rows<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql.replaceAll(/\?\d/g, "'[]'")}`)).map(
        ({ detail }) => ({ detail }),
      );
    const { db, asked } = countingDb();
    const watching = { env: bindings({ DB: db }) };
    for (const path of [
      "",
      "?held=true&destination=gmail",
      "?include=lifted&reason=manual&since=2026-01-01",
      "/a@b.c",
    ])
      await ask("GET", path, undefined, watching);
    await ask("POST", "/check", { addresses: ["a@b.c"] }, watching);
    await ask("PUT", "/a@b.c", {}, watching);
    await ask("DELETE", "/a@b.c", undefined, watching);
    await ask("POST", "/drop", { destination: "gmail" }, watching);
    expect(new Set(asked).size).toBeGreaterThanOrEqual(10);
    for (const sql of new Set(asked)) {
      const plan = await planOf(sql);
      for (const { detail } of plan) {
        expect(detail, sql).not.toMatch(
          /SCAN (events|messages|contacts|suppressions|rollups|s|c)\b(?! VIRTUAL)/,
        );
      }
      // The list comes in the order of its index: sorting millions of rows for a page would be no better than walking
      // them. Only the page is sorted again.
      const [page] = /SELECT \* FROM suppressions INDEXED BY [^]*? LIMIT \d+(?=\))/.exec(sql) ?? [];
      const read = page === undefined ? plan : await planOf(page);
      if (/INDEXED BY suppressions_(at|held)/.test(sql))
        for (const { detail } of read) expect(detail, sql).not.toContain("TEMP B-TREE");
    }
  });
});
