// Element by element: good ones are stored, bad ones become dead letters, and none is lost.

import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { configOf } from "../../src/config/config.ts";
import { readEnvelope } from "../../src/process/parse.ts";
import {
  deliver,
  envWith,
  figure,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  objects,
  read,
  rows,
} from "../support/support.ts";
import { randomText, seeded } from "../support/random.ts";

beforeEach(freshStorage);

describe("parsing deliveries", () => {
  it("stores the good elements among bad ones, and accounts for every bad one as a dead letter or ping", async () => {
    const elements = [
      1,
      null,
      "x",
      [],
      {},
      { event: "open" },
      mailjetEvent({ email: "nonsense" }),
      mailjetEvent({ event: "" }),
    ];
    const good = [mailjetEvent(), mailjetEvent({ event: "newsender", email: "new@example.com" })];
    await deliver(await messagesOf(mailjetPost(JSON.stringify([...elements, ...good]))));
    expect(await rows("SELECT type FROM events ORDER BY seq")).toEqual([
      { type: "opened" },
      { type: "unknown" },
    ]);
    const pings = await figure("SELECT pings AS n FROM sources");
    expect((await figure("SELECT count(*) AS n FROM dead_letters")) + pings).toBe(elements.length);
  });

  it("makes one dead letter of a body that no parser can read, and none of an empty one", async () => {
    const deep = "[".repeat(200_000) + "]".repeat(200_000);
    const bodies: [body: BodyInit, letters: number][] = [
      ["{broken", 1],
      ['[{"event":"open"', 1],
      [new TextEncoder().encode('{"event":"é"}').map((byte) => (byte === 0xc3 ? 0xff : byte)), 1],
      [Buffer.from(JSON.stringify([mailjetEvent()]), "utf16le"), 1],
      [deep, 1],
      ["", 0],
      ["  \n", 0],
      ["null", 1],
      ["42", 1],
      ['"text"', 1],
      ["[]", 0],
      ["{}", 1],
      ["\0\0\0", 1],
      [JSON.stringify(Array.from({ length: 3_000 }, () => 0)), 1],
    ];
    for (const [index, [body, letters]] of bodies.entries()) {
      await freshStorage();
      const result = await deliver(await messagesOf(mailjetPost(body)));
      expect(result).toEqual({ acked: [0], retried: [] });
      expect(await figure("SELECT count(*) AS n FROM dead_letters"), `body ${index}`).toBe(letters);
      expect(await objects("dead-letters/")).toHaveLength(letters);
      expect(await figure("SELECT count(*) AS n FROM sources")).toBe(1);
    }
  });

  it("makes a dead letter of an event that the database refuses, and stores its neighbours", async () => {
    const events = Array.from({ length: 9 }, (_, i) =>
      mailjetEvent({ email: `n${i}@example.com`, MessageID: 10 + i }),
    );
    const refusing = {
      prepare: (sql: string) => ({
        all: async () => await env.DB.prepare(sql).all(),
        bind: (...values: (string | number)[]) =>
          Object.assign(env.DB.prepare(sql).bind(...values), {
            poisoned: values.some((v) => String(v).includes('"n5@example.com",1')),
          }),
      }),
      batch: async (statements: (D1PreparedStatement & { poisoned: boolean })[]) => {
        if (statements.some(({ poisoned }) => poisoned))
          throw new Error("D1_ERROR: string or blob too big: SQLITE_TOOBIG");
        return await env.DB.batch(statements);
      },
    };
    expect(
      (await deliver(await messagesOf(mailjetPost(JSON.stringify(events))), envWith({ DB: refusing }))).acked,
    ).toEqual([0]);
    expect(await figure("SELECT count(*) AS n FROM events")).toBe(8);
    expect(await figure("SELECT sum(n) AS n FROM rollups")).toBe(8);
    const [letter] = await rows<{ id: string; raw: string }>("SELECT id, raw FROM dead_letters");
    expect(JSON.parse(letter?.raw ?? "")).toMatchObject({ email: "n5@example.com" });
    expect(await objects("dead-letters/")).toHaveLength(1);
  });

  it("fails the transaction for an event that the table cannot hold, instead of skipping it", async () => {
    const { storeSlice } = await import("../../src/store/write/slice.ts");
    const work = readEnvelope(
      {
        envelope: {
          id: "e",
          source: "mailjet",
          provider: "mailjet",
          receivedAt: 1,
          method: "POST",
          url: "https://edge.example/",
          headers: [],
          body: new TextEncoder().encode(JSON.stringify([mailjetEvent()])),
        },
        batch: "b",
        line: 0,
        problem: null,
      },
      configOf(envWith()),
    );
    const events = work.events.map(({ row }) => ({ ...row, at: NaN }));
    const nothing = { contacts: [], sources: [], tallies: [], deadLetters: [], replayed: [] };
    await expect(storeSlice(env.DB, { ...nothing, events })).rejects.toThrow(/constraint failed/i);
    expect(await figure("SELECT count(*) AS n FROM rollups")).toBe(0);
  });

  it("makes dead letters of queue messages that are not envelopes, and of envelopes whose body is gone from the archive", async () => {
    const [pointer] = await messagesOf(mailjetPost(randomText(600_000, seeded("no envelope"))));
    for (const key of await objects("archive/")) await env.BUCKET.delete(key);
    const strange = [
      new Uint8Array(3),
      new TextEncoder().encode("hello there, this is text"),
      pointer ?? new Uint8Array(0),
    ];
    expect((await deliver(strange)).acked).toEqual([0, 1, 2]);
    const reasons = await rows<{ reason: string }>("SELECT reason FROM dead_letters ORDER BY reason");
    expect(reasons.map(({ reason }) => reason)).toEqual([
      "its body is gone from the archive",
      "the queue message is not an envelope",
      "the queue message is not an envelope",
    ]);
  });

  it("stores a batch of a hundred envelopes in many slices, with one archive object", async () => {
    const post = (n: number): Request =>
      mailjetPost(
        JSON.stringify(
          Array.from({ length: 60 }, (_, i) =>
            mailjetEvent({ email: `w${(n * 60 + i) % 50}@example.com`, MessageID: n * 60 + i + 1 }),
          ),
        ),
      );
    const messages = await messagesOf(...Array.from({ length: 100 }, (_, n) => post(n)));
    expect((await deliver(messages)).acked).toHaveLength(100);
    expect(await figure("SELECT count(*) AS n FROM events")).toBe(6_000);
    expect(await objects("archive/")).toHaveLength(1);
  });
});

describe("message ids", () => {
  it("of 17 to 19 digits are returned digit for digit, also in the raw element", async () => {
    const ids = [
      "19421777396190490",
      "94012642276192743",
      "1152921504606846977",
      "9223372036854775807",
      "10000000000000001",
    ];
    const body = `[${ids.map((id) => JSON.stringify(mailjetEvent({ Payload: '{"MessageID":12345678901234567891}' })).replace('"MessageID":1000', `"MessageID": ${id}`)).join(",")}]`;
    await deliver(await messagesOf(mailjetPost(body)));
    const { events } = await (
      await read("/v1/events")
    ).json<{ events: { id: string; message_id: string }[] }>();
    expect(events.map(({ message_id }) => message_id)).toEqual(ids);
    for (const [i, { id }] of events.entries()) {
      const text = await (await read(`/v1/events/${id}`)).text();
      expect(text).toContain(`"MessageID":${ids[i]}`);
      expect(text).toContain('"metadata":{"MessageID":"12345678901234567891"}');
    }
  });
});
