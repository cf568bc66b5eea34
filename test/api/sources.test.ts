// /v1/sources: when each source last delivered, and its counts.

import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { DAY, HOUR } from "../../src/lib/time.ts";
import { gunzip } from "../../src/model/envelope.ts";
import { expectLogs } from "../support/log.ts";
import { forgetWords } from "../../src/store/write/unknown-words.ts";
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
  objects,
  read,
  rows,
  send,
} from "../support/support.ts";

describe("sources", () => {
  afterEach(() => void vi.useRealTimers());

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

  interface Credential {
    position: number;
    fingerprint: string | null;
    last_used_at: string | null;
  }
  const credentialsOf = async (bindings = envWith()): Promise<Credential[]> =>
    (
      await (
        await askApi("GET", "/v1/sources/mailjet", undefined, bindings)
      ).json<{ credentials: Credential[] }>()
    ).credentials;
  const postAs = (user: string, time: number): Request =>
    mailjetPost(JSON.stringify([mailjetEvent({ time: 1_790_000_000 + time })]), "/webhooks/mailjet", {
      headers: { authorization: `Basic ${btoa(`${user}:secret-of-the-tests`)}` },
    });

  it("tell of each credential when it was last used, so that the old one of two can go", async () => {
    await freshStorage();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const began = Date.now();
    await deliver(await messagesOf(postAs("user", 1)));
    const [old, next] = await credentialsOf();
    expect(old).toMatchObject({ position: 1, last_used_at: new Date(began).toISOString() });
    expect(next).toMatchObject({ position: 2, last_used_at: null });
    vi.setSystemTime(began + 2 * HOUR);
    await deliver(await messagesOf(postAs("next", 2)));
    expect((await credentialsOf()).map(({ last_used_at }) => Date.parse(last_used_at ?? ""))).toEqual([
      began,
      began + 2 * HOUR,
    ]);
    // The credentials in another order, as after the secret was put anew.
    const turned = envWith({
      SOURCE_CREDENTIALS: JSON.stringify({
        mailjet: ["next:secret-of-the-tests", "user:secret-of-the-tests"],
      }),
    });
    expect(await credentialsOf(turned)).toMatchObject([
      { position: 1, fingerprint: next?.fingerprint },
      { position: 2, fingerprint: old?.fingerprint, last_used_at: new Date(began).toISOString() },
    ]);
  });

  it("show fingerprints to admins alone, and no secret to anybody; what is stored holds none", async () => {
    await freshStorage();
    const [message] = await messagesOf(postAs("user", 1));
    await deliver([message]);
    const digest = await crypto.subtle.digest(
      "SHA-256",
      new TextEncoder().encode("user:secret-of-the-tests"),
    );
    const fingerprint = Buffer.from(digest).toString("hex").slice(0, 8);
    expect((await credentialsOf())[0]?.fingerprint).toBe(fingerprint);
    const API_TOKENS = JSON.stringify({ reader: { token: "api-token", scopes: ["read"] } });
    const shown = await credentialsOf(envWith({ API_TOKENS }));
    expect(shown.map((one) => one.fingerprint)).toEqual([null, null]);
    expect(shown[0]?.last_used_at).toEqual(expect.any(String));
    const texts = [JSON.stringify(await rows("SELECT * FROM source_credentials")), JSON.stringify(shown)];
    for (const text of [...texts, new TextDecoder().decode(message)])
      expect(text).not.toContain("secret-of-the-tests");
    const [key = ""] = await objects("archive/");
    const archived = await gunzip(new Uint8Array((await (await env.BUCKET.get(key))?.arrayBuffer()) ?? []));
    expect(new TextDecoder().decode(archived)).not.toContain(fingerprint);
  });

  it("tell of signing keys as well which one proved a request", async () => {
    await freshStorage();
    const keys = ["first-key-of-the-tests", "second-key-of-the-tests"];
    const bindings = envWith({
      SOURCE_CREDENTIALS: JSON.stringify({ generic: keys.map((key) => `hmac:${key}`) }),
    });
    const body = JSON.stringify([{ event: "delivered", email: "ann@example.com", event_id: "1" }]);
    const secret = new TextEncoder().encode(keys[1]);
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    const key = await crypto.subtle.importKey("raw", secret, algorithm, false, ["sign"]);
    const signature = await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(body));
    const headers = { "x-signature": Buffer.from(signature).toString("hex") };
    const { queue, bodies } = capture();
    const request = new Request("https://edge.example/webhooks/generic", { method: "POST", body, headers });
    expect((await send(request, { ...bindings, QUEUE: queue as Queue })).status).toBe(200);
    await deliver(bodies, bindings);
    const answer = await askApi("GET", "/v1/sources/generic", undefined, bindings);
    const { credentials } = await answer.json<{ credentials: Credential[] }>();
    expect(credentials.map(({ last_used_at }) => last_used_at !== null)).toEqual([false, true]);
  });

  it("write a row for a credential once an hour, however many requests it proves", async () => {
    await freshStorage();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const began = Date.now();
    let asked = 0;
    const prepare = (sql: string) => {
      asked += sql.includes("source_credentials") ? 1 : 0;
      return env.DB.prepare(sql);
    };
    const DB = new Proxy(env.DB, {
      get: (db, name) => (name === "prepare" ? prepare : (Reflect.get(db, name, db) as unknown)),
    });
    const bindings = envWith({ DB });
    for (let minute = 0; minute < 150; minute += 10) {
      vi.setSystemTime(began + minute * 60_000);
      await deliver(await messagesOf(postAs("user", minute), postAs("user", minute + 1)), bindings);
      const used = Date.parse((await credentialsOf())[0]?.last_used_at ?? "");
      expect(Date.now() - used).toBeLessThan(HOUR);
    }
    expect(asked).toBe(3);
    // Another isolate does not write it again either.
    await deliver(await messagesOf(postAs("user", 151)));
    expect(Date.parse((await credentialsOf())[0]?.last_used_at ?? "")).toBe(began + 2 * HOUR);
  });

  it("store everything although the use of a credential cannot be noted", async () => {
    await freshStorage();
    await env.DB.prepare("DROP TABLE source_credentials").run();
    expectLogs(/the use of a credential was not noted/);
    const result = await deliver(await messagesOf(postAs("user", 1)));
    expect(result).toEqual({ acked: [0], retried: [] });
    expect(await figure("SELECT events AS n FROM sources")).toBe(1);
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
