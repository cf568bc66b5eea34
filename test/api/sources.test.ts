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

  it("tell from which networks outside of an observed list their requests came, without single addresses", async () => {
    await freshStorage();
    const from = (address: string, time = 1): Request =>
      mailjetPost(JSON.stringify([mailjetEvent({ time: 1_790_000_000 + time })]), "/webhooks/observed", {
        headers: { authorization: "Bearer observed-token-of-the-tests", "cf-connecting-ip": address },
      });
    const bodies = await messagesOf(
      from("198.51.100.7", 1),
      from("198.51.100.250", 2),
      from("2001:db8:1:2::3", 3),
      from("203.0.113.9", 4), // this one is in the list
    );
    await deliver(bodies);
    await deliver(bodies); // the platform may deliver a message twice
    const { outside_networks: networks, outside } = await (
      await read("/v1/sources/observed")
    ).json<{ outside: number; outside_networks: { network: string; requests: number }[] }>();
    expect(outside).toBe(3);
    expect(Object.fromEntries(networks.map(({ network, requests }) => [network, requests]))).toEqual({
      "198.51.100.0/24": 2,
      "2001:db8:1::/48": 1,
    });
    const many = Array.from({ length: 130 }, (_, i) => from(`198.18.${i}.1`, 10 + i));
    for (let at = 0; at < many.length; at += 65) await deliver(await messagesOf(...many.slice(at, at + 65)));
    const after = await (
      await read("/v1/sources/observed")
    ).json<{ outside: number; outside_networks: { network: string; requests: number }[] }>();
    expect(after.outside_networks.length).toBeLessThanOrEqual(150);
    expect(after.outside_networks.reduce((sum, { requests }) => sum + requests, 0)).toBe(after.outside);
    await deliver(await messagesOf(from("192.0.2.1", 900)));
    const full = await (
      await read("/v1/sources/observed")
    ).json<{ outside_networks: { network: string }[] }>();
    expect(full.outside_networks.map(({ network }) => network)).toContain("(others)");
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
