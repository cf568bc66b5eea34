// The migration that gives the feed a table of its own, on a database that the version before it filled: nothing is lost,
// every event keeps its fields, its seq and its archive object, its message is found, and no seq comes again.

import { applyD1Migrations } from "cloudflare:test";
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { expect, it } from "vitest";
import { positionAfter } from "../../src/store/feed-position.ts";
import { batchOf, FEED_END } from "../../src/store/feed-rows.ts";
import { readStoredRows } from "../../src/store/events/by-archive-object.ts";
import { readFeed } from "../../src/store/events/feed.ts";
import { dropSchema } from "../support/database.ts";
import { figure, freshStorage, rows } from "../support/support.ts";

const MIGRATION = "0019_feed.sql";

/** Goes back to the schema before the migration, without data. */
async function goBack(): Promise<void> {
  await dropSchema();
  await applyD1Migrations(
    env.DB,
    env.TEST_MIGRATIONS.filter(({ name }) => name < MIGRATION),
  );
}

/** An event as the version before stored it. */
interface Old {
  batch: string;
  /** Whether it was deleted again. */
  gone: boolean;
}

async function fillAsBefore(events: readonly Old[]): Promise<void> {
  const insert = env.DB.prepare(
    `INSERT INTO events (id, contact, at, received_at, source, provider, type, bounce, destination, machine, message_id,
       campaign, batch, line, element, details)
     VALUES (printf('%034d', ?1), 'ann@example.com', 1790000000000, 1790000000001, 'generic', 'generic', 'opened', '',
       'other', 'human', 'm' || CAST(?1 AS INTEGER), 'spring', ?2, ?1, 0,
       '{"reason":"other","custom_id":"order-' || CAST(?1 AS INTEGER) || '","tags":["a","b"],"url":"https://example.com"}')`,
  );
  // In an order of ids that is not that of the seqs.
  const ids = events.map((_, i) => (i * 7_919) % 100_003);
  await env.DB.batch(events.map(({ batch }, i) => insert.bind(ids[i], batch)));
  await env.DB.prepare(
    "INSERT INTO batches (batch, first_seq, last_seq) SELECT batch, min(seq), max(seq) FROM events GROUP BY 1",
  ).run();
  const gone = events.flatMap((event, i) => (event.gone ? [i + 1] : []));
  await env.DB.prepare("DELETE FROM events WHERE seq IN (SELECT value FROM json_each(?1))")
    .bind(JSON.stringify(gone))
    .run();
  await env.DB.prepare(
    `INSERT INTO sources (source, provider, last_received_at, lag_ms, events, mark)
     SELECT 'generic', 'generic', 1, 5, count(*), 0 FROM events`,
  ).run();
}

it("keeps every event, its place in the feed and its archive object", async () => {
  await freshStorage();
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          n: fc.integer({ min: 1, max: 6 }),
          batch: fc.constantFrom("b1", "b2", "b3"),
          gone: fc.boolean(),
        }),
        { minLength: 1, maxLength: 12 },
      ),
      async (runs) => {
        const events = runs.flatMap(({ n, batch, gone }) =>
          Array.from({ length: n }, (_, i) => ({ batch, gone: gone && i % 2 === 0 })),
        );
        await goBack();
        await fillAsBefore(events);
        const before = await rows<{ seq: number; id: string; batch: string; line: number; details: string }>(
          "SELECT * FROM events ORDER BY seq",
        );
        const source = await env.DB.prepare("SELECT source, provider, events, lag_ms FROM sources").first();
        await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
        expect(await rows(`SELECT *, ${batchOf("events")} AS batch FROM events ORDER BY seq`)).toEqual(
          before.map(({ details: _, ...row }) => expect.objectContaining(row)),
        );
        const { events: fed } = await readFeed(env.DB, { after: positionAfter(0), limit: 1_000 });
        expect(fed).toEqual(
          before.map(({ seq, line }) =>
            expect.objectContaining({
              seq,
              reason: "other",
              custom_id: `order-${line}`,
              tags: ["a", "b"],
              url: "https://example.com",
            }),
          ),
        );
        expect(await rows("SELECT message_id, prefix, custom_id, source FROM messages ORDER BY 1")).toEqual(
          before
            .map(({ id, line }) => ({
              message_id: `m${line}`,
              prefix: id.slice(0, 8),
              custom_id: `order-${line}`,
              source: "generic",
            }))
            .toSorted((a, b) => (a.message_id < b.message_id ? -1 : 1)),
        );
        for (const batch of ["b1", "b2", "b3"])
          expect((await readStoredRows(env.DB, batch)).map(({ seq }) => seq)).toEqual(
            before.flatMap((row) => (row.batch === batch ? [row.seq] : [])),
          );
        expect(await figure(`SELECT ${FEED_END} AS n`)).toBe(events.length);
        expect(await env.DB.prepare("SELECT position FROM counting").first("position")).toBe(events.length);
        expect(await env.DB.prepare("SELECT source, provider, events, lag_ms FROM sources").first()).toEqual(
          source,
        );
      },
    ),
    { numRuns: 12 },
  );
});
