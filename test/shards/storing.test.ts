// Storing in several databases: each event in the one that owns its contact, whatever fails in between.

import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { contactPrefix } from "../../src/model/event-id.ts";
import { headerOf } from "../../src/model/envelope.ts";
import { divideEvenly, ownerOf, type ShardMap } from "../../src/model/storage/shards.ts";
import { FAULT, faulty, type Fault } from "../support/faults.ts";
import { expectLogs } from "../support/log.ts";
import { databases } from "../support/merged.ts";
import {
  askApi,
  capture,
  deliver,
  envWith,
  figure,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  replay,
  rows,
} from "../support/support.ts";
import {
  contactOf,
  contactsIn,
  databaseOf,
  deliveryOf,
  newIsolate,
  newly,
  rowsIn,
  SHARDS,
} from "./support.ts";

const WAITS = /did not take its events|could not be processed|storms are looked for without|was not searched/;

beforeEach(freshStorage);

const everywhere = async (): Promise<string[][]> =>
  await Promise.all(databases().map(async (_, shard) => await contactsIn(shard)));
const inOrder = (...contacts: string[]): string[] => contacts.toSorted();

/** Bindings whose database of this number fails as long as `fails()` says so. */
function failing(shard: number, fails: () => boolean, changes: Record<string, unknown> = {}): Env {
  const fail = (): void => {
    if (fails()) throw new Error("D1_ERROR: it went away");
  };
  const name = shard === 0 ? "DB" : `DB_${shard}`;
  return newIsolate({ ...changes, [name]: newly(databaseOf(shard), fail) });
}

describe("events", () => {
  it("lie in the database that owns their contact, with messages and states, and are counted there", async () => {
    const contacts = Array.from({ length: 60 }, (_, i) => `c${i}@example.com`);
    const map: ShardMap = {
      version: 1,
      shards: SHARDS,
      ranges: divideEvenly(SHARDS).map(({ lo }, shard) => [lo, shard] as const),
    };
    const own = (shard: number): string[] =>
      contacts.filter((contact) => ownerOf(map, contactPrefix(contact)) === shard).toSorted();
    await deliver([
      await deliveryOf(contacts, { event: "bounce", hard_bounce: true }),
      await deliveryOf(contacts, { event: "sent" }),
    ]);
    for (let shard = 0; shard < SHARDS; shard++) {
      expect(own(shard).length).toBeGreaterThan(5);
      expect([...new Set(await contactsIn(shard))]).toEqual(own(shard));
      for (const table of ["contacts", "suppressions"]) {
        const found = await rowsIn<{ contact: string }>(
          shard,
          `SELECT DISTINCT contact FROM ${table} ORDER BY 1`,
        );
        expect(found.map(({ contact }) => contact)).toEqual(own(shard));
      }
      const mails = await rowsIn<{ prefix: string }>(
        shard,
        "SELECT DISTINCT prefix FROM messages ORDER BY 1",
      );
      expect(mails.map(({ prefix }) => prefix)).toEqual(own(shard).map(contactPrefix).toSorted());
      const [first] = await rowsIn<{ seq: number }>(shard, "SELECT min(seq) AS seq FROM events");
      expect(Math.floor((first?.seq ?? -1) / 2 ** 40)).toBe(shard);
    }
    expect(await figure("SELECT sum(n) AS n FROM rollups")).toBe(120);
    expect(await rows("SELECT events, duplicates FROM sources")).toEqual([{ events: 120, duplicates: 0 }]);
  });

  it("are stored once however often they come, and repeats are counted in the home alone", async () => {
    const message = await deliveryOf([contactOf(0), contactOf(1), contactOf(2)]);
    await deliver([message]);
    await deliver([message], envWith(), { attempts: 2 });
    const [again] = await messagesOf(
      mailjetPost(
        JSON.stringify([mailjetEvent({ email: contactOf(1) }), mailjetEvent({ email: contactOf(1) })]),
      ),
    );
    await deliver([again]);
    expect(await everywhere()).toEqual([[contactOf(0)], inOrder(contactOf(1), contactOf(1)), [contactOf(2)]]);
    expect(await rowsIn(0, "SELECT duplicates FROM sources")).toEqual([{ duplicates: 1 }]);
    expect(await rowsIn(1, "SELECT * FROM tallies")).toEqual([]);
  });

  it("that no database can hold become dead letters in the home", async () => {
    const [message] = await messagesOf(
      mailjetPost(
        JSON.stringify([
          mailjetEvent({ email: contactOf(1), MessageID: 7 }),
          { event: "open", email: "no address" },
          mailjetEvent({ email: contactOf(2) }),
        ]),
      ),
    );
    // A value that this database refuses for good.
    const trigger = `CREATE TRIGGER refuses BEFORE INSERT ON event_rows WHEN NEW.message_id = '7'
      BEGIN SELECT RAISE(ABORT, 'constraint failed'); END`;
    await databaseOf(1).prepare(trigger).run();
    expect((await deliver([message])).acked).toEqual([0]);
    expect(await everywhere()).toEqual([[], [], [contactOf(2)]]);
    expect((await rowsIn(0, "SELECT element FROM dead_letters")).length).toBe(2);
    expect(await rowsIn(1, "SELECT * FROM dead_letters")).toEqual([]);
  });
});

describe("a map that is old", () => {
  /** Gives what DB_1 owns to DB_2, as a move does. */
  async function move(): Promise<void> {
    const [range] = divideEvenly(SHARDS).slice(1, 2);
    await databaseOf(1).prepare("UPDATE owned SET state = 'gone'").run();
    await databaseOf(2)
      .prepare("INSERT INTO owned (lo, hi, state) VALUES (?1, ?2, 'owned')")
      .bind(range?.lo, range?.hi)
      .run();
  }
  const tell = async (): Promise<unknown> =>
    await env.DB.prepare("UPDATE shard_map SET version = 2, ranges = ?1")
      .bind(JSON.stringify(divideEvenly(SHARDS).map(({ lo }, shard) => [lo, shard === 1 ? 2 : shard])))
      .run();

  it("writes nothing where it does not belong: it is read anew, and all is stored", async () => {
    const isolate = newIsolate();
    await deliver([await deliveryOf([contactOf(1)])], isolate);
    await move();
    await tell();
    const contacts = [contactOf(0), contactOf(1, 1), contactOf(2)];
    expect((await deliver([await deliveryOf(contacts)], isolate)).acked).toEqual([0]);
    expect(await everywhere()).toEqual([
      [contactOf(0)],
      [contactOf(1)],
      inOrder(contactOf(1, 1), contactOf(2)),
    ]);
    const put = await askApi("PUT", `/v1/suppressions/${contactOf(1, 2)}`, {}, isolate);
    expect(put.status).toBe(200);
    expect(await rowsIn(2, "SELECT contact FROM suppressions")).toEqual([{ contact: contactOf(1, 2) }]);
  });

  it("lets what nobody owns at present wait in the queue, under no address, until somebody does", async () => {
    expectLogs(WAITS);
    const { queue, bodies } = capture();
    const isolate = newIsolate({ QUEUE: queue });
    await databaseOf(1).prepare("UPDATE owned SET state = 'frozen', target = 2").run();
    const contacts = [contactOf(0), contactOf(1), contactOf(1, 1), contactOf(2)];
    expect((await deliver([await deliveryOf(contacts)], isolate)).acked).toEqual([0]);
    expect(await everywhere()).toEqual([[contactOf(0)], [], [contactOf(2)]]);
    expect(bodies).toHaveLength(1);
    const [parked = new Uint8Array(0)] = bodies;
    expect(new TextDecoder().decode(parked)).not.toContain("example.com");
    expect(headerOf(parked)).toMatchObject({ source: "mailjet", headers: [] });
    await move();
    await tell();
    expect((await deliver([parked], newIsolate())).acked).toEqual([0]);
    expect(await everywhere()).toEqual([
      [contactOf(0)],
      [],
      inOrder(contactOf(1), contactOf(1, 1), contactOf(2)),
    ]);
    expect(await figure("SELECT sum(n) AS n FROM rollups")).toBe(4);
  });
});

describe("a database that takes nothing", () => {
  it("holds up no other: its part is parked and stored later, each event once", async () => {
    expectLogs(WAITS);
    const { queue, bodies } = capture();
    let isDown = true;
    const isolate = failing(1, () => isDown, { QUEUE: queue });
    const messages = await Promise.all([
      deliveryOf([contactOf(0), contactOf(1)], { event: "bounce", hard_bounce: true }),
      deliveryOf([contactOf(1), contactOf(2)]),
      deliveryOf([contactOf(2)]),
    ]);
    expect((await deliver(messages, isolate)).acked).toEqual([0, 1, 2]);
    expect(await everywhere()).toEqual([[contactOf(0)], [], [contactOf(2), contactOf(2)]]);
    expect(bodies).toHaveLength(2);
    // Still down: a part is not parked again, but waits longer each time.
    expect(await deliver(bodies.slice(), isolate)).toEqual({ acked: [], retried: [0, 1] });
    expect(bodies).toHaveLength(2);
    isDown = false;
    expect((await deliver(bodies, newIsolate(), { attempts: 2 })).acked).toEqual([0, 1]);
    expect(await everywhere()).toEqual([
      [contactOf(0)],
      [contactOf(1), contactOf(1)],
      [contactOf(2), contactOf(2)],
    ]);
    expect(await rowsIn(1, "SELECT contact, reason FROM suppressions")).toEqual([
      { contact: contactOf(1), reason: "hard_bounce" },
    ]);
    // The delivery again, and its part again: nothing changes.
    await deliver([...messages, ...bodies], newIsolate(), { attempts: 2 });
    expect(await figure("SELECT sum(n) AS n FROM rollups")).toBe(5);
    expect(await figure("SELECT sum(duplicates) AS n FROM sources")).toBe(0);
  });

  it("is not tried for ten seconds after it failed twice", async () => {
    expectLogs(WAITS);
    let tried = 0;
    const isolate = failing(1, () => ++tried > 0, { QUEUE: capture().queue });
    const now = vi.spyOn(Date, "now");
    try {
      for (let n = 0; n < 5; n++) await deliver([await deliveryOf([contactOf(1)])], isolate);
      expect(tried).toBe(2);
      const later = Date.now() + 11_000;
      now.mockImplementation(() => later);
      await deliver([await deliveryOf([contactOf(1)])], isolate);
      expect(tried).toBe(3);
    } finally {
      now.mockRestore();
    }
  });

  it("is one that lacks a table, too", async () => {
    expectLogs(WAITS);
    const { queue, bodies } = capture();
    await databaseOf(2).prepare("ALTER TABLE counting RENAME TO elsewhere").run();
    const message = await deliveryOf([contactOf(0), contactOf(2)]);
    expect((await deliver([message], newIsolate({ QUEUE: queue }))).acked).toEqual([0]);
    expect(await everywhere()).toEqual([[contactOf(0)], [], []]);
    await databaseOf(2).prepare("ALTER TABLE elsewhere RENAME TO counting").run();
    expect((await deliver(bodies, newIsolate())).acked).toEqual([0]);
    expect(await everywhere()).toEqual([[contactOf(0)], [], [contactOf(2)]]);
  });

  it("lets a delivery come again whole if the queue does not take its part", async () => {
    expectLogs(WAITS);
    const queue = {
      send: async () => await Promise.reject(new Error("no queue")),
      sendBatch: async () => await Promise.reject(new Error("no queue")),
    };
    let isDown = true;
    const isolate = failing(1, () => isDown, { QUEUE: queue });
    const message = await deliveryOf([contactOf(0), contactOf(1)]);
    expect(await deliver([message], isolate)).toEqual({ acked: [], retried: [0] });
    isDown = false;
    expect((await deliver([message], newIsolate(), { attempts: 2 })).acked).toEqual([0]);
    expect(await everywhere()).toEqual([[contactOf(0)], [contactOf(1)], []]);
  });

  it("lets a replayed delivery come again whole, and its dead letters stay until all of it is stored", async () => {
    expectLogs(WAITS);
    const [message] = await messagesOf(
      mailjetPost(
        JSON.stringify([
          mailjetEvent({ email: contactOf(1), MessageID: 7 }),
          mailjetEvent({ email: contactOf(0) }),
        ]),
      ),
    );
    const trigger = `CREATE TRIGGER refuses BEFORE INSERT ON event_rows WHEN NEW.message_id = '7'
      BEGIN SELECT RAISE(ABORT, 'constraint failed'); END`;
    await databaseOf(1).prepare(trigger).run();
    await deliver([message]);
    const [letter] = await rows<{ id: string }>("SELECT id FROM dead_letters");
    await databaseOf(1).prepare("DROP TRIGGER refuses").run();
    const { queue, bodies } = capture();
    expect((await replay(letter?.id, queue)).status).toBe(202);
    const { queue: parking, bodies: parked } = capture();
    let isDown = true;
    const isolate = failing(1, () => isDown, { QUEUE: parking });
    expect((await deliver(bodies, isolate)).acked).toEqual([]);
    expect([parked, await figure("SELECT count(*) AS n FROM dead_letters")]).toEqual([[], 1]);
    isDown = false;
    expect((await deliver(bodies, newIsolate(), { attempts: 2 })).acked).toEqual([0]);
    expect(await figure("SELECT count(*) AS n FROM dead_letters")).toBe(0);
    expect(await everywhere()).toEqual([[contactOf(0)], [contactOf(1)], []]);
  });

  it("is one that is full, whose part alone waits", async () => {
    expectLogs(WAITS, /the database is full/);
    const { queue, bodies } = capture();
    const full = newly(databaseOf(1), () => {
      throw new Error("D1_ERROR: database or disk is full: SQLITE_FULL");
    });
    const message = await deliveryOf([contactOf(0), contactOf(1)]);
    expect((await deliver([message], newIsolate({ QUEUE: queue, DB_1: full }))).acked).toEqual([0]);
    expect(bodies).toHaveLength(1);
    expect(await everywhere()).toEqual([[contactOf(0)], [], []]);
  });
});

describe("a consumer that ends between any two calls", () => {
  /** Delivers once; resolves to whether the process lived. */
  async function attempt(
    messages: readonly Uint8Array[],
    broken: ReturnType<typeof faulty>,
  ): Promise<boolean> {
    const died = new Promise<false>((resolve) => {
      const watch = (): void =>
        void (broken.dead() ? setTimeout(() => resolve(false), 20) : setTimeout(watch, 2));
      watch();
    });
    return await Promise.race([deliver(messages, broken.bindings).then(() => true), died]);
  }

  it.each(["before", "after", "death"] as const)("loses and doubles nothing (%s)", async (fault: Fault) => {
    expectLogs(WAITS, FAULT);
    for (let k = 1, calls = Infinity; k <= calls; k++) {
      await freshStorage();
      const { queue, bodies } = capture();
      const contacts = [contactOf(0), contactOf(1), contactOf(2)];
      const messages = [await deliveryOf(contacts), await deliveryOf([contactOf(1, 1)])];
      const broken = faulty(envWith({ QUEUE: queue }), k, fault);
      await attempt(messages, broken);
      if (broken.calls() < k) calls = broken.calls();
      // All of it again, whatever was acknowledged, and what was parked, in either order.
      const again = [...messages, ...bodies];
      await deliver(k % 2 === 0 ? again : again.toReversed(), envWith(), { attempts: 2, firstId: 100 });
      expect(await everywhere(), `call ${k}`).toEqual([
        [contactOf(0)],
        inOrder(contactOf(1), contactOf(1, 1)),
        [contactOf(2)],
      ]);
      expect(await figure("SELECT sum(n) AS n FROM rollups"), `call ${k}`).toBe(4);
      expect(await figure("SELECT sum(duplicates) AS n FROM sources"), `call ${k}`).toBe(0);
      expect(k).toBeLessThan(60);
    }
  });
});
