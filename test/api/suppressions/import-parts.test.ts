// Long lists: imported in parts, previewed, repeated, and taken over by the contacts' objects afterwards.

import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import * as fc from "fast-check";
import { takeOverImports } from "../../../src/contact/import.ts";
import { expectLogs } from "../../support/log.ts";
import { figure, freshStorage, read, rows } from "../../support/support.ts";
import { FAULT, faulty } from "../../support/faults.ts";
import { ask, bindings, bounce, list, mailjet, secondsNow, status } from "./asking.ts";

beforeEach(() => expectLogs(/the pipes were not woken/));
beforeEach(freshStorage);

interface Answer {
  import: string;
  rows: number;
  total: number;
  added: number;
  changed: number;
  unchanged: number;
  skipped: number;
  rejected: number;
  rejects: { line: number }[];
  next: { offset: number; line: number } | null;
}
/** When the job takes over what is imported now. */
const LATER = Date.now() + 3_600_000;
const CSV = { headers: { "content-type": "text/csv" } };
const send = async (text: string, query = ""): Promise<Answer> => {
  const answer = await ask("POST", `/import${query}`, text, CSV);
  expect(answer.status, await answer.clone().text()).toBe(200);
  return await answer.json<Answer>();
};
const countOf = (answers: readonly Answer[], field: "added" | "unchanged" | "rejected" | "rows"): number =>
  answers.reduce((sum, answer) => sum + answer[field], 0);
const pending = async (): Promise<number> =>
  await figure("SELECT count(*) AS n FROM suppressions WHERE pending IS NOT NULL");

describe("a long list", () => {
  const lines = Array.from({ length: 230 }, (_, i) =>
    i % 50 === 7 ? "nobody," : `p${i}@example.com,complaint`,
  );
  const text = `address,reason\n\n${lines.join("\n")}\n`;

  it("is imported by sending it again with the offset of each answer, and sending it once more changes nothing", async () => {
    const all = async (): Promise<Answer[]> => {
      const answers: Answer[] = [];
      for (let offset = 0; answers.length < 20;) {
        const answer = await send(text, `?limit=64&offset=${offset}`);
        answers.push(answer);
        if (answer.next === null) break;
        offset = answer.next.offset;
      }
      return answers;
    };
    const answers = await all();
    expect(answers).toHaveLength(4);
    expect(answers.map(({ next }) => next)).toEqual([
      { offset: 64, line: 67 },
      { offset: 128, line: 131 },
      { offset: 192, line: 195 },
      null,
    ]);
    expect(countOf(answers, "added")).toBe(225);
    expect(answers.flatMap(({ rejects }) => rejects.map(({ line }) => line))).toEqual([
      10, 60, 110, 160, 210,
    ]);
    expect(countOf(await all(), "unchanged")).toBe(225);
    expect((await list("?limit=1000")).suppressions).toHaveLength(225);
  });

  it("may be cut into parts with or without its header, which are one import if they pass its id", async () => {
    const parts = [text.slice(0, text.indexOf("p120@")), text.slice(text.indexOf("p120@"))];
    const first = await send(parts[0] ?? "");
    const second = await send(parts[1] ?? "", `?import=${first.import}`);
    expect(first.added + second.added).toBe(225);
    expect(second.import).toBe(first.import);
    const events = await rows<{ event: string }>("SELECT event FROM suppressions");
    expect(events.every(({ event }) => event.startsWith(`${first.import}.`))).toBe(true);
  });

  it("can be sent again after any call of it failed", async () => {
    expectLogs(/a request met an outage|a token's use was not noted/, FAULT);
    const statuses: number[] = [];
    for (let k = 1; k <= 8; k++) {
      await freshStorage();
      const broken = faulty(bindings(), k, "after").bindings;
      statuses.push((await ask("POST", "/import", text, { ...CSV, env: broken })).status);
      expect(await send(text)).toMatchObject({ total: 230, rejected: 5 });
      expect((await list("?limit=1000")).suppressions, `call ${k}`).toHaveLength(225);
    }
    expect(statuses).toContain(503);
  });

  it("is refused beyond its end", async () => {
    expect((await ask("POST", "/import?offset=231", text, CSV)).status).toBe(400);
    expect(await send(text, "?offset=230")).toMatchObject({ rows: 0, next: null });
  });
});

describe("a dry run", () => {
  it("tells exactly what the import then does, and changes nothing", async () => {
    await ask("PUT", "/stands@example.com", {});
    await ask("PUT", "/lifted@example.com", {});
    await ask("DELETE", "/lifted@example.com?reason=manual");
    await mailjet(bounce("hard@example.com", secondsNow() - 5000, true));
    await send("address,reason,since\nlater@example.com,complaint,2025-01-01\n");
    const text = [
      "address,reason,since",
      "stands@example.com,manual,",
      "lifted@example.com,manual,2020-01-01",
      "lifted@example.com,complaint,2020-01-01",
      "hard@example.com,hard_bounce,2019-01-01",
      "later@example.com,complaint,2024-01-01",
      "later@example.com,complaint,2026-01-01",
      "new@example.com,unsubscribed,2024-01-01",
      "new@example.com,unsubscribed,2023-01-01",
      "new@example.com,complaint,",
      "no address,complaint,",
    ].join("\n");
    const before = await rows("SELECT * FROM suppressions ORDER BY contact, reason, event");
    const told = await send(text, "?dry_run=true");
    expect(await rows("SELECT * FROM suppressions ORDER BY contact, reason, event")).toEqual(before);
    const done = await send(text);
    const counts = ({ rows: all, added, changed, unchanged, rejected }: Answer) => ({
      all,
      added,
      changed,
      unchanged,
      rejected,
    });
    expect(counts(told)).toEqual(counts(done));
    expect(counts(done)).toEqual({ all: 10, added: 3, changed: 3, unchanged: 3, rejected: 1 });
    expect(
      (await status("new@example.com")).history.map(({ reason, since }) => `${reason} ${since.slice(0, 4)}`),
    ).toContain("unsubscribed 2023");
    expect(
      (await status("lifted@example.com")).history.filter(({ lifted_by }) => lifted_by === null),
    ).toMatchObject([{ reason: "complaint" }]);
  });
});

describe("an imported suppression", () => {
  const import1 = async (reason = "unsubscribed", since = "2026-01-01"): Promise<void> =>
    void (await send(`address,reason,since,note\nann@example.com,${reason},${since},old list\n`));
  const shown = async () => {
    const { suppressed, history } = await status("ann@example.com");
    return { suppressed, history };
  };

  it("is in force at once, and is the same after its contact's object took it over", async () => {
    await import1();
    expect(await pending()).toBe(1);
    const before = await shown();
    expect(before).toMatchObject({
      suppressed: true,
      history: [{ reason: "unsubscribed", note: "old list" }],
    });
    expect(await takeOverImports(env, LATER)).toBe(1);
    expect(await pending()).toBe(0);
    expect(await shown()).toEqual(before);
    expect(await takeOverImports(env, LATER)).toBe(0);
  });

  it("is lifted by a person before its object knew it, and stays lifted", async () => {
    await import1();
    expect((await ask("DELETE", "/ann@example.com?reason=complaint")).status).toBe(404);
    expect((await ask("DELETE", "/ann@example.com")).status).toBe(200);
    expect(await shown()).toMatchObject({ suppressed: false, history: [{ lifted_by: "tests" }] });
    await import1();
    await takeOverImports(env, LATER);
    expect((await shown()).suppressed).toBe(false);
  });

  it("outlasts what its object stores before it knows it, and a later subscription ends it", async () => {
    await import1();
    await mailjet({ event: "spam", email: "ann@example.com", time: secondsNow() - 60 });
    const reasons = async () =>
      (await status("ann@example.com")).history.map(({ reason }) => reason).toSorted();
    expect(await reasons()).toEqual(["complaint", "unsubscribed"]);
    await ask("DELETE", "/ann@example.com?reason=complaint");
    expect(await pending()).toBe(0);
    expect(await shown()).toMatchObject({ suppressed: true });
    await takeOverImports(env, LATER);
    expect(await reasons()).toEqual(["complaint", "unsubscribed"]);
  });

  it("is kept as a hash if the contact is erased before its object knew it, and nothing of it comes back", async () => {
    await import1("complaint");
    await send("address,reason\nbob@example.com,complaint\n");
    const erased = await read("/v1/contacts/ann@example.com", { method: "DELETE" });
    expect(erased.status).toBe(202);
    expect(await takeOverImports(env, LATER)).toBe(1);
    expect(await figure("SELECT count(*) AS n FROM suppressions WHERE contact LIKE 'ann%'")).toBe(0);
    expect((await status("ann@example.com")).suppression).toMatchObject({
      reason: "complaint",
      source: "erasure",
    });
  });
});

describe("an export in CSV", () => {
  /** Notes that spreadsheets, CSV or our own guard might change. */
  const note = fc.oneof(
    fc.string({ maxLength: 40 }),
    fc.string({
      unit: fc.constantFrom(..."'\"=+-@\t\r\n,; ＝＋－＠a".split("")),
      minLength: 1,
      maxLength: 12,
    }),
  );

  it("comes back unchanged, whatever its notes, its times and its addresses", async () => {
    const entries = fc.array(
      fc.record({
        local: fc.stringMatching(/^[=+\-a-z]{1,6}$/),
        reason: fc.constantFrom("manual", "complaint", "hard_bounce"),
        note: note.filter((text) => text.trim() !== "" && text.isWellFormed()),
        since: fc.integer({ min: 1_000_000_000_000, max: 2_500_000_000_000 }),
      }),
      { minLength: 1, maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(entries, async (all) => {
        await freshStorage();
        const body = all.map(({ local, since, ...rest }) => ({
          ...rest,
          address: `${local}@example.com`,
          since: new Date(since).toISOString(),
          source: "api",
          event: "e",
          destination: "other",
        }));
        await ask("POST", "/import", body);
        const exported = async () => {
          const { suppressions } = await list("?limit=1000");
          return suppressions.map(({ address, reason, note: words, since, scope }) => ({
            address,
            reason,
            words,
            since,
            scope,
          }));
        };
        const before = await exported();
        const csv = await (
          await ask("GET", "?bom=true", undefined, { headers: { accept: "text/csv" } })
        ).text();
        await freshStorage();
        expect(await send(csv)).toMatchObject({ added: before.length, rejected: 0 });
        expect(await exported()).toEqual(before);
      }),
      { numRuns: 12 },
    );
  });

  it("begins with a byte order mark if that is asked for", async () => {
    const bytes = async (query: string) =>
      new Uint8Array(
        await (await ask("GET", query, undefined, { headers: { accept: "text/csv" } })).arrayBuffer(),
      );
    expect([...(await bytes("?bom=true")).subarray(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
    expect([...(await bytes("")).subarray(0, 3)]).toEqual([0x61, 0x64, 0x64]);
    for (const path of ["/v1/events", "/v1/stats", "/v1/dead-letters", "/v1/contacts/a@b.de/timeline"]) {
      const answer = await read(`${path}?bom=true`, { headers: { accept: "text/csv" } });
      expect(answer.status, path).toBe(200);
      expect(new Uint8Array(await answer.arrayBuffer())[0], path).toBe(0xef);
    }
  });
});
