// A contact's Durable Object: the claims that it stores, and when it forgets them.

import { env } from "cloudflare:workers";
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { CLAIMS_LIVE, decide } from "../../src/contact/claims.ts";
import { Contact } from "../../src/contact/contact.ts";
import { NO_EVIDENCE } from "../../src/model/suppression/evidence.ts";
import { DEFAULT_POLICY, samePolicy } from "../../src/model/suppression/policy.ts";
import { expectLogs } from "../support/log.ts";
import { deliver, freshStorage, mailjetEvent, mailjetPost, messagesOf, rows } from "../support/support.ts";

const DAY = 86_400;

/** An object whose storage cannot be read, but which can set alarms. */
function unreadable(state: DurableObjectState): Contact {
  const kv = { get: fails, list: fails };
  const setAlarm = async (at: number): Promise<void> => await state.storage.setAlarm(at);
  return Object.defineProperty(new Contact(state, env), "ctx", {
    value: { storage: { kv, sql: state.storage.sql, setAlarm } },
  });
}

function fails(): never {
  throw new Error("broken");
}

beforeEach(freshStorage);

describe("a contact's object", () => {
  it("drops expired claims with its next change, not before", () => {
    const claims: [string, string, number][] = [
      ["old", "first", 0],
      ["young", "first", 1],
    ];
    const state = { facts: NO_EVIDENCE, version: 0, suppressions: [], claims };
    const origins = new Map([
      ["old", "first"],
      ["young", "first"],
    ]);
    const claim = (key: string) =>
      decide(
        state,
        origins,
        { claims: [{ key, origin: "second", evidence: null, received: 0 }] },
        CLAIMS_LIVE,
        samePolicy(DEFAULT_POLICY),
      );
    expect(claim("young")).toMatchObject({ granted: [false], state: { claims } });
    expect(claim("new").state.claims).toEqual([
      ["young", "first", 1],
      ["new", "second", CLAIMS_LIVE],
    ]);
  });

  it("has an alarm again after one that failed, and after one that a broken deployment lost", async () => {
    expectLogs(/a contact's alarm failed/);
    const stub = env.CONTACTS.getByName("alarmed@example.com");
    const claim = async (key: string) =>
      await stub.claim([{ key, origin: `e-${key}`, evidence: null, received: Date.now() }]);
    const alarm = async () =>
      await runInDurableObject(stub, async (_, { storage }) => await storage.getAlarm());
    await claim("one");
    await runInDurableObject(stub, async (_, state) => {
      for (let n = 0; n < 10; n += 1) {
        await state.storage.deleteAlarm();
        await unreadable(state).alarm();
        expect(await state.storage.getAlarm()).toBeGreaterThan(Date.now());
      }
      await state.storage.deleteAlarm(); // as if the platform had given it up
    });
    await evictDurableObject(stub);
    expect(await alarm()).toBeNull();
    expect((await claim("two")).written).toBe(2); // the state and the alarm
    expect(await alarm()).toBeGreaterThan(Date.now() + CLAIMS_LIVE);
    expect((await claim("three")).written).toBe(1);
  });

  it("forgets claims after thirty days and is then deleted; the object of a suppressed contact stays", async () => {
    const post = mailjetPost(
      JSON.stringify([
        mailjetEvent({ email: "idle@example.com" }),
        mailjetEvent({ event: "spam", email: "kept@example.com" }),
      ]),
    );
    await deliver(await messagesOf(post));
    const left = async (name: string): Promise<string[]> =>
      await runInDurableObject(env.CONTACTS.getByName(name), (_, state) =>
        [...state.storage.kv.list()].map(([key]) => key),
      );
    expect(await left("idle@example.com")).toEqual(["state"]);
    expect(await runDurableObjectAlarm(env.CONTACTS.getByName("idle@example.com"))).toBe(true);
    expect(await left("idle@example.com"), "not yet thirty days old").toEqual(["state"]);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 32 * DAY * 1000 });
    try {
      for (const name of ["idle@example.com", "kept@example.com"])
        await runDurableObjectAlarm(env.CONTACTS.getByName(name));
    } finally {
      vi.useRealTimers();
    }
    expect(await left("idle@example.com")).toEqual([]);
    expect(await left("kept@example.com")).toEqual(["state"]);
    expect(await runDurableObjectAlarm(env.CONTACTS.getByName("kept@example.com"))).toBe(false);
    await deliver(
      await messagesOf(
        mailjetPost(
          JSON.stringify([mailjetEvent({ event: "bounce", hard_bounce: true, email: "kept@example.com" })]),
        ),
      ),
    );
    expect(await rows("SELECT contact, suppressed FROM contacts")).toEqual([
      { contact: "kept@example.com", suppressed: "complaint" },
    ]);
    expect(await rows("SELECT reason FROM suppressions ORDER BY reason")).toEqual([
      { reason: "complaint" },
      { reason: "hard_bounce" },
    ]);
  });

  it("keeps every claim across several pages of storage, also after eviction", async () => {
    const stub = env.CONTACTS.getByName("pages@example.com");
    const claims = (origin: string) =>
      Array.from({ length: 700 }, (_, i) => ({ key: `key-${i}`, origin, evidence: null, received: 0 }));
    for (let i = 0; i < 700; i += 100) await stub.claim(claims("first").slice(i, i + 100));
    await evictDurableObject(stub);
    expect((await stub.claim(claims("first"))).granted.every(Boolean)).toBe(true);
    expect((await stub.claim(claims("second"))).granted.some(Boolean)).toBe(false);
  });
});
