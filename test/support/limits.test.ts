// The platform's limits, as every test enforces them.

import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { asInvocation, checkMessages, readWithin, takeCrossed, type Invocation } from "./limits.ts";

const one = async (): Promise<unknown> => await env.DB.prepare("SELECT 1 AS n").first();
/** A result of so many bytes, from a short statement. */
const BLANKS = "WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < ?1)";
const blanks = (rows: number): D1PreparedStatement =>
  env.DB.prepare(`${BLANKS} SELECT printf('%100000s', '') AS text FROM r`).bind(rows);

const CROSSINGS: Readonly<Record<string, [limit: string, work: () => Promise<unknown>]>> = {
  "a thousand and one queries": [
    "queries",
    async () => {
      for (let n = 0; n < 2; n++) await one();
    },
  ],
  "a batch of them": ["queries", async () => await env.DB.batch(Array(2).fill(env.DB.prepare("SELECT 1")))],
  "queries of a session": [
    "queries",
    async () => {
      const session = env.DB.withSession("first-primary");
      for (let n = 0; n < 2; n++) await session.prepare("SELECT 1 AS n").all();
    },
  ],
  "a result beyond 10 MB": ["result", async () => await blanks(101).all()],
  "one in a batch": ["result", async () => await env.DB.batch([blanks(101)])],
  "a bound text beyond 2 MB": [
    "bound",
    async () => await env.DB.prepare("SELECT ?1").bind("ä".repeat(1_000_001)).run(),
  ],
  "a hundred and one bound values": [
    "parameters",
    async () =>
      await env.DB.prepare(`SELECT ${Array(101).fill("?").join()}`)
        .bind(...Array(101).fill(1))
        .run(),
  ],
  "a statement beyond 100 KB": [
    "statement",
    async () => await env.DB.prepare(`SELECT 1 ${" ".repeat(100_000)}`).run(),
  ],
  "a long key": ["key", async () => await env.BUCKET.get("k".repeat(1_025))],
  "a long message": ["message", async () => await env.QUEUE.send(new Uint8Array(128_001))],
  "long messages together": [
    "batch",
    async () =>
      await env.QUEUE.sendBatch(Array.from({ length: 3 }, () => ({ body: new Uint8Array(100_000) }))),
  ],
};

describe("a test fails if it goes beyond a limit of the platform", () => {
  it.each(Object.keys(CROSSINGS))("%s", async (name) => {
    const [limit, work] = CROSSINGS[name] ?? ["", one];
    const used: Invocation = { queries: 999, subrequests: 999 };
    await expect(asInvocation(work, used)).rejects.toThrow(`beyond the limit "${limit}"`);
    expect(takeCrossed()).toEqual([expect.stringContaining(`beyond the limit "${limit}"`)]);
  });

  it("what a response reads while it is streamed belongs to its invocation", async () => {
    const used: Invocation = { queries: 0, subrequests: 0 };
    let left = 3;
    const pull = async (controller: ReadableStreamDefaultController): Promise<void> => {
      await one();
      if (left-- > 0) controller.enqueue(new TextEncoder().encode("line\n"));
      else controller.close();
    };
    const body = asInvocation(() => new ReadableStream({ pull }), used);
    expect(await readWithin(new Response(body), used).text()).toBe("line\n".repeat(3));
    expect(used.queries).toBe(4);
  });

  it("each invocation begins anew, and what a test itself asks does not count", async () => {
    await asInvocation(async () => await one(), { queries: 999, subrequests: 999 });
    await one();
    for (let n = 0; n < 2; n++)
      await asInvocation(async () => await env.DB.batch(Array(999).fill(env.DB.prepare("SELECT 1"))));
    checkMessages(Array(100).fill("short"));
    expect(takeCrossed()).toEqual([]);
  });
});
