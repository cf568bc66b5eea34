// Suppressions of several databases: lists, checks and what changed are those of one database with the same contacts.

import { env } from "cloudflare:workers";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { changeCursorOf, readChangeCursor } from "../../../src/api/kit/changes.ts";
import { outageOf } from "../../../src/lib/outage.ts";
import { normalizeAddress } from "../../../src/model/address.ts";
import {
  listChangedSuppressionsAcross,
  listChangesAcross,
  type ChangePlaces,
} from "../../../src/store/across/changes.ts";
import { erasedAmongAcross } from "../../../src/store/across/erased.ts";
import { checkAcross, getSuppressions } from "../../../src/store/across/check.ts";
import { countSuppressedAcross, listSuppressionsAcross } from "../../../src/store/across/suppressions.ts";
import { withOutages } from "../../../src/store/outages.ts";
import { findKey } from "../../../src/store/erasure/erased.ts";
import { FIRST_CHANGE } from "../../../src/store/suppressions/changes.ts";
import type { SuppressionCursor, SuppressionFilter } from "../../../src/store/suppressions/list.ts";
import type { Shards } from "../../../src/store/shards.ts";
import {
  allPages,
  commandBoth,
  divisions,
  edgeOf,
  freshDatabases,
  parts,
  shardsBy,
  undivided,
  type Division,
} from "../../support/divided.ts";
import { askApi, runScheduled } from "../../support/support.ts";

beforeEach(freshDatabases);

const PEOPLE = [
  "ann@example.com",
  "bob@example.com",
  "cy@other.example",
  "di@gmail.com",
  "jörg@example.com",
  "😀@example.com",
];
const KEYS = [...PEOPLE, "@example.com", "@other.example"];

const act = fc.record({
  key: fc.constantFrom(...KEYS),
  reason: fc.constantFrom("manual", "complaint", "hard_bounce", "unsubscribe"),
  since: fc.constantFrom("2026-05-10T10:00:00.000Z", "2026-06-10T10:00:00.000Z", "2026-07-01T00:00:00.000Z"),
  kind: fc.constantFrom("import", "import", "put", "lift"),
});
interface Act {
  key: string;
  kind: "import" | "put" | "lift";
  reason: string;
  since?: string;
}

const keyOf = (written: string): string => normalizeAddress(written) ?? written;
const put = async (key: string, division: Division, reason = "manual"): Promise<void> =>
  await perform({ key, kind: "put", reason }, division);

async function perform({ key, reason, since, kind }: Act, division: Division): Promise<void> {
  const at = `/v1/suppressions/${encodeURIComponent(key)}`;
  const command = {
    import: { method: "POST", path: "/v1/suppressions/import", body: [{ address: key, reason, since }] },
    put: { method: "PUT", path: at, body: { reason, note: "by hand" } },
    lift: { method: "DELETE", path: at },
  }[kind];
  await commandBoth(command, keyOf(key), division);
}

const filters: fc.Arbitrary<Partial<SuppressionFilter>> = fc.oneof(
  fc.constant({}),
  fc.record({ domain: fc.constant(["example.com"]) }),
  fc.record({ reason: fc.constant(["complaint", "manual"] as const) }),
  fc.record({ since: fc.constant(Date.UTC(2026, 5, 1)), until: fc.constant(Date.UTC(2026, 5, 20)) }),
  fc.record({ state: fc.constant("all" as const) }),
);

/** Suppressions of one contact, without what depends on when, and by which request, something was entered. */
const shown = (rows: readonly object[]): unknown[] =>
  rows
    .map((row) => {
      const { reason, scope, source, note, by } = row as Record<string, unknown>;
      const lifted = (row as { lifted_at: number | null }).lifted_at !== null;
      return JSON.stringify({ reason, scope, source, note, by, lifted });
    })
    .toSorted();

const byContact = (rows: readonly { contact: string }[]) =>
  Object.fromEntries(
    [...Map.groupBy(rows, ({ contact }) => contact)].map(([contact, own]) => [contact, shown(own)]),
  );

const imported = (rows: readonly { source: string; contact: string; at: number; reason: string }[]) =>
  rows.filter(({ source }) => source === "import").map(({ at, contact, reason }) => [at, contact, reason]);

describe("suppressions in three databases", () => {
  it("are listed, counted, looked up and checked as in one", async () => {
    const acts = fc.array(act, { minLength: 3, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(
        acts,
        divisions,
        filters,
        fc.constantFrom(1, 2, 100),
        async (done, division, filter, limit) => {
          await freshDatabases();
          for (const one of done) await perform(one, division);
          const several = shardsBy(division);
          const asked = { state: "in_force", now: Date.now(), ...filter } as const;
          const list = async (shards: Shards) =>
            await allPages(
              async (after: SuppressionCursor | undefined) =>
                await listSuppressionsAcross(shards, asked, after, limit),
            );
          const [one, three] = [await list(undivided()), await list(several)];
          expect(byContact(three)).toEqual(byContact(one));
          // The time of what was imported is the list's, so even the order is the same.
          expect(imported(three)).toEqual(imported(one));
          const counted = await countSuppressedAcross(undivided(), asked, 100);
          const found = await countSuppressedAcross(several, asked, 100);
          expect([found.count, found.more]).toEqual([counted.count, counted.more]);
          expect(found.contacts.toSorted()).toEqual(counted.contacts.toSorted());
          expect((await countSuppressedAcross(several, asked, 1)).contacts).toHaveLength(
            Math.min(1, found.count),
          );

          const contacts = [...PEOPLE.map(keyOf), "nobody@other.example", "nobody@gmail.com"];
          for (const reasons of [undefined, ["complaint" as const]]) {
            const check = async (shards: Shards) =>
              await checkAcross(shards, env.BUCKET, contacts, { scope: "", reasons });
            const [alone, together] = [await check(undivided()), await check(several)];
            expect(together.unknown.size).toBe(0);
            const facts = ({ checked }: typeof alone) =>
              [...checked]
                .map(([contact, { since: _, ...fact }]) => JSON.stringify([contact, fact]))
                .toSorted();
            expect(facts(together)).toEqual(facts(alone));
          }
          for (const contact of KEYS.map(keyOf)) {
            const known = await getSuppressions(several, env.BUCKET, contact);
            const wanted = await getSuppressions(undivided(), env.BUCKET, contact);
            expect([shown(known.own), shown(known.ofDomain)]).toEqual([
              shown(wanted.own),
              shown(wanted.ofDomain),
            ]);
          }
        },
      ),
      { numRuns: 5 },
    );
  });
});

describe("what changed in three databases", () => {
  const START: ChangePlaces = { known: [], others: FIRST_CHANGE };
  /** A place as a caller gets it and passes it back. */
  const passed = (place: ChangePlaces): ChangePlaces => readChangeCursor(changeCursorOf(place)) ?? START;

  it("reaches a reader that keeps a copy, however far the clocks of the databases are apart", async () => {
    const step = fc.oneof(
      fc.record({ act }),
      fc.record({ read: fc.constantFrom(1, 2, 50) }),
      fc.record({ clock: fc.tuple(fc.nat(2), fc.constantFrom(60_000, 3_600_000)) }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 4, maxLength: 14 }),
        divisions,
        async (steps, division) => {
          await freshDatabases();
          const shards = shardsBy(division);
          const copy = new Map<string, unknown[]>();
          const states = new Map<string, string | null>();
          let [rowsAt, statesAt] = [START, START];
          const read = async (limit: number): Promise<boolean> => {
            const rows = await listChangedSuppressionsAcross(shards, rowsAt, {}, limit);
            for (const { contact, suppressions } of rows.items) copy.set(contact, shown(suppressions));
            rowsAt = passed(rows.resume);
            const changes = await listChangesAcross(shards, statesAt, {}, limit);
            for (const { contact, suppressed } of changes.items) states.set(contact, suppressed);
            statesAt = passed(changes.resume);
            return rows.next === null && changes.next === null;
          };
          for (const one of steps) {
            if ("act" in one) await perform(one.act, division);
            else if ("read" in one) await read(one.read);
            else {
              const [part, ahead] = one.clock;
              const db = parts()[part] ?? env.DB;
              const set = db.prepare("INSERT OR REPLACE INTO change_clock (one, changed) VALUES (1, ?1)");
              await set.bind(Date.now() + ahead).run();
            }
          }
          for (let pages = 0; !(await read(2)); pages++) expect(pages).toBeLessThan(100);
          for (const [part, db] of parts().entries()) {
            const { results } = await db
              .prepare("SELECT contact, suppressed FROM contacts")
              .all<{ contact: string; suppressed: string | null }>();
            for (const { contact, suppressed } of results) {
              expect(division(contact)).toBe(part);
              expect(states.get(contact)).toBe(suppressed);
              const { own } = await getSuppressions(shards, env.BUCKET, contact);
              expect(copy.get(contact)).toEqual(shown(own));
            }
          }
        },
      ),
      { numRuns: 6 },
    );
  });

  it("goes on from a cursor of one database, with all that the others have", async () => {
    const all = async (from: ChangePlaces, shards: Shards) =>
      (
        await allPages(
          async (after: ChangePlaces | undefined) => await listChangesAcross(shards, after ?? from, {}, 1),
        )
      ).map(({ contact }) => contact);
    await put("ann@example.com", () => 0);
    const { resume } = await listChangesAcross(
      shardsBy(() => 0, [env.DB]),
      START,
      {},
      10,
    );
    const old = Buffer.from(JSON.stringify(["change", ...(resume.known[0] ?? [])])).toString("base64url");
    expect([changeCursorOf(resume), readChangeCursor(old)]).toEqual([old, resume]);
    await put("bob@example.com", () => 1);
    await put("cy@other.example", () => 0);
    await put("di@gmail.com", () => 2);
    const shards = shardsBy(() => 0);
    expect(await all(resume, shards)).toEqual(["bob@example.com", "cy@other.example", "di@gmail.com"]);
    expect(await all(START, shards)).toHaveLength(4);
    const now: ChangePlaces = { known: [], others: [Date.now() + 60_000, ""] };
    expect(await all(now, shards)).toEqual([]);
  });
});

describe("a check while one of three databases does not answer", () => {
  const down = {
    prepare: (sql: string) => env.TEST_DB_1.prepare(sql),
    batch: () => Promise.reject(outageOf("the database", new Error("Network connection lost."))),
  };
  const ask = async (division: Division, partial: boolean, databases = [env.DB, down, env.TEST_DB_2]) => {
    const shards = shardsBy(division, databases);
    const contacts = ["ann@example.com", "bob@example.com", "cy@other.example", "di@gmail.com"];
    return await checkAcross(shards, env.BUCKET, contacts, { scope: "", partial });
  };
  const owners: Readonly<Record<string, number>> = { "bob@example.com": 1, "cy@other.example": 2 };
  const division: Division = (contact) => owners[contact] ?? 0;

  it("fails, unless it is asked for a part: then only the contacts there are unknown", async () => {
    await put("cy@other.example", division, "complaint");
    await expect(ask(division, false)).rejects.toThrow("Network connection lost.");
    const { checked, unknown } = await ask(division, true);
    expect([...unknown]).toEqual(["bob@example.com"]);
    expect([...checked.keys()]).toEqual(["cy@other.example"]);
  });

  it("knows nothing of contacts whose domain's own entry would lie there, and of none without the home", async () => {
    const ofDomain: Division = (contact) => (contact === "@example.com" ? 1 : 0);
    expect([...(await ask(ofDomain, true)).unknown]).toEqual(["ann@example.com", "bob@example.com"]);
    const { unknown } = await ask(division, true, [down, env.TEST_DB_1, env.TEST_DB_2]);
    expect(unknown.size).toBe(4);
  });

  it("fails for what is no outage, whether a part would do or not", async () => {
    const broken = { ...down, batch: () => Promise.reject(new Error("D1_ERROR: no such table")) };
    await expect(ask(division, true, [env.DB, broken, env.TEST_DB_2])).rejects.toThrow("no such table");
  });
});

describe("which of the addresses were erased", () => {
  it("is known by the home, unless the address's own database has it again", async () => {
    const edge = edgeOf(env.DB);
    for (const address of ["ann@example.com", "bob@example.com"]) {
      const answer = await askApi("DELETE", `/v1/contacts/${address}`, undefined, edge);
      expect(answer.status).toBeLessThan(300);
      await answer.text();
    }
    await runScheduled(edge);
    const { BUCKET } = withOutages(env); // as the Worker has it, which keeps the key
    await findKey(BUCKET); // a check before may have missed it, and would not look again for a minute
    const division: Division = (contact) => (contact === "bob@example.com" ? 1 : 0);
    const erased = async () => {
      const asked = ["ann@example.com", "bob@example.com", "cy@other.example"];
      return [...(await erasedAmongAcross(shardsBy(division), BUCKET, asked)).keys()].toSorted();
    };
    expect(await erased()).toEqual(["ann@example.com", "bob@example.com"]);
    await put("bob@example.com", division);
    expect(await erased()).toEqual(["ann@example.com"]);
  });
});
