// /v1/sources: when each source last delivered, and its counts.

import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { DAY } from "../../src/lib/time.ts";
import { forgetWords } from "../../src/store/write/unknown-words.ts";
import {
  askApi,
  deliver,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  read,
  rows,
} from "../support/support.ts";

describe("sources", () => {
  it("are listed with the times of their last delivery, event and ping, and with exact counts", async () => {
    await freshStorage();
    const test = { event: "open", time: 1_790_000_000, MessageID: 0, email: "" };
    await deliver(
      await messagesOf(mailjetPost(JSON.stringify([mailjetEvent(), "x"])), mailjetPost(JSON.stringify(test))),
    );
    await deliver(await messagesOf(mailjetPost(JSON.stringify([mailjetEvent()]))));
    const { sources } = await (await read("/v1/sources")).json<{ sources: Record<string, unknown>[] }>();
    expect(sources).toHaveLength(1);
    expect(sources[0]).toMatchObject({
      source: "mailjet",
      events: 1,
      duplicates: 1,
      pings: 1,
      outside: 0,
      dead_letters: 1,
    });
    for (const field of ["last_received_at", "last_event_at", "last_ping_at"]) {
      expect(Date.now() - Date.parse(String(sources[0]?.[field]))).toBeLessThan(60_000);
    }
  });

  interface Word {
    kind: string;
    word: string;
    count: number;
    event: string | null;
  }
  const wordsOf = async (source = "mailjet"): Promise<Word[]> =>
    (await (await read(`/v1/sources/${source}`)).json<{ unknown: Word[] }>()).unknown;

  it("are shown one by one with the words that their tables do not know, counted by stored event", async () => {
    await freshStorage();
    expect((await read("/v1/sources/mailjet")).status, "it has sent nothing yet").toBe(404);
    await deliver(await messagesOf(mailjetPost(JSON.stringify([mailjetEvent()]))));
    expect(await wordsOf()).toEqual([]);
    const began = Date.now();
    const strange = [1, 2, 3].map((time) =>
      mailjetEvent({ event: "teleported", time: 1_790_000_000 + time }),
    );
    const addressed = mailjetEvent({ event: "sent to bob@example.com" });
    const bodies = await messagesOf(
      mailjetPost(JSON.stringify([...strange, addressed, mailjetEvent({ time: "?" })])),
    );
    await deliver(bodies);
    await deliver(bodies); // the platform may deliver a message twice
    await deliver(await messagesOf(mailjetPost(JSON.stringify(strange)))); // and the provider its report
    const { unknown, ...source } = await (
      await read("/v1/sources/mailjet")
    ).json<{ unknown: (Word & { first_seen_at: string; last_seen_at: string })[] }>();
    const { sources } = await (await read("/v1/sources")).json<{ sources: Record<string, unknown>[] }>();
    expect({ ...source }).toMatchObject({
      source: "mailjet",
      events: 6,
      duplicates: sources[0]?.["duplicates"],
    });
    expect(unknown.map(({ kind, word, count }) => ({ kind, word, count }))).toEqual([
      { kind: "time", word: "?", count: 1 },
      { kind: "type", word: "(contains an address)", count: 1 },
      { kind: "type", word: "teleported", count: 3 },
    ]);
    for (const { first_seen_at, last_seen_at, event } of unknown) {
      expect(Date.parse(first_seen_at)).toBeGreaterThanOrEqual(began);
      expect(Date.parse(last_seen_at)).toBeGreaterThanOrEqual(Date.parse(first_seen_at));
      expect((await read(`/v1/events/${event}`)).status).toBe(200);
    }
  });

  it("count a word that a later delivery repeats, and at most 100 different ones", async () => {
    await freshStorage();
    const named = (names: readonly string[], time: number) =>
      mailjetPost(JSON.stringify(names.map((event) => mailjetEvent({ event, time }))));
    const names = Array.from({ length: 130 }, (_, i) => `type-${i}`);
    for (let from = 0; from < names.length; from += 40)
      await deliver(await messagesOf(named(names.slice(from, from + 40), 1_790_000_000 + from)));
    await deliver(await messagesOf(named(["type-0", "type-129"], 1_790_001_000)));
    const words = await wordsOf();
    const others = words.find(({ word }) => word === "(others)");
    expect(words.length).toBeLessThan(150);
    expect(words.length).toBeGreaterThan(100);
    expect(words.find(({ word }) => word === "type-0")?.count).toBe(2);
    expect(others?.count).toBeGreaterThan(1);
    expect(words.reduce((sum, { count }) => sum + count, 0)).toBe(132);
  });

  it("forget the example of a contact that is erased, and words that did not come for 90 days", async () => {
    await freshStorage();
    await deliver(await messagesOf(mailjetPost(JSON.stringify([mailjetEvent({ event: "teleported" })]))));
    expect(await wordsOf()).toMatchObject([{ word: "teleported", event: expect.any(String) as string }]);
    const answer = await askApi("DELETE", "/v1/contacts/ann@example.com", undefined);
    expect(answer.status).toBeLessThan(300);
    expect(await rows("SELECT word, event FROM unknown_words")).toEqual([
      { word: "teleported", event: null },
    ]);
    expect(await wordsOf()).toMatchObject([{ word: "teleported", count: 1, event: null }]);
    await forgetWords(env.DB, Date.now() + 89 * DAY);
    expect(await wordsOf()).toHaveLength(1);
    await forgetWords(env.DB, Date.now() + 91 * DAY);
    expect(await wordsOf()).toEqual([]);
  });
});
