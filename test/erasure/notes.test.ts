// Notes of people about one contact's suppressions that mention another, who is erased.

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { FAULT, faulty } from "../support/faults.ts";
import { expectLogs } from "../support/log.ts";
import {
  askApi,
  deliver,
  envWith,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  read,
  rows,
  runScheduled,
} from "../support/support.ts";
import { ANN, ask, erase, freshWithKey, pass, receipt, settle, traces, withStandingClock } from "./asking.ts";

withStandingClock();

const BOB = "bob@example.com";
const CARL = "carl@example.com";
const DORA = "dora@example.com";
const ERASED = "erased@tidings.invalid";

const path = (contact: string): string => `/v1/suppressions/${encodeURIComponent(contact)}`;

/** Everything that a contact's object holds. */
async function objectOf(contact: string): Promise<string> {
  return await runInDurableObject(env.CONTACTS.getByName(contact), (_, { storage }) =>
    JSON.stringify([...storage.kv.list()]),
  );
}

async function notes(): Promise<unknown[]> {
  return await rows(
    "SELECT contact, reason, note, lift_note FROM suppressions ORDER BY contact, reason, at, event",
  );
}

/** Notes in all places: of an entry, of a lift, of a decision in bulk, and of an import that no object knows yet. */
async function writeNotes(): Promise<void> {
  await askApi("PUT", path(BOB), { note: `the same person as ${ANN.toUpperCase()}` });
  await askApi("PUT", path(CARL), { reason: "complaint" });
  await askApi("DELETE", `${path(CARL)}?note=${encodeURIComponent(`asked by <${ANN}>`)}`);
  await askApi("PUT", path(DORA), { reason: "unsubscribed" });
  await askApi("POST", "/v1/suppressions/lift", { reason: "unsubscribed", note: "mail of ann=example.com" });
  await read("/v1/suppressions/import", {
    method: "POST",
    headers: { "content-type": "text/csv" },
    body: `address,reason,note\nella@example.com,manual,was ann%40example.com\n`,
  });
}

const WITHOUT = [
  { contact: BOB, reason: "manual", note: `the same person as ${ERASED}`, lift_note: null },
  { contact: CARL, reason: "complaint", note: null, lift_note: `asked by <${ERASED}>` },
  { contact: DORA, reason: "unsubscribed", note: null, lift_note: `mail of ${ERASED}` },
  { contact: "ella@example.com", reason: "manual", note: `was ${ERASED}`, lift_note: null },
];

describe("notes about others that mention an erased contact", () => {
  it("lose the address in rows, objects, decisions in bulk and the journal, and nothing else changes", async () => {
    await writeNotes();
    const before = await rows("SELECT * FROM contacts ORDER BY contact");
    expect(await traces(ANN)).not.toEqual([]);
    const { id } = await erase();
    await settle();
    expect(await traces(ANN)).toEqual([]);
    for (const contact of [BOB, CARL, DORA]) expect(await objectOf(contact)).not.toMatch(/ann[@=]/i);
    expect(await notes()).toEqual(WITHOUT);
    expect(await rows("SELECT note FROM bulk_decisions")).toEqual([{ note: `mail of ${ERASED}` }]);
    expect(await rows("SELECT * FROM contacts ORDER BY contact")).toEqual(before);
    expect((await receipt(id)).removed).toMatchObject({ mentions: 5 });
  });

  it("do not come back with the contact's next change", async () => {
    await writeNotes();
    await erase();
    await settle();
    for (const contact of [BOB, CARL, DORA, "ella@example.com"])
      await deliver(
        await messagesOf(mailjetPost(JSON.stringify([mailjetEvent({ event: "spam", email: contact })]))),
      );
    await runScheduled();
    await askApi("DELETE", path(BOB));
    expect(await traces(ANN)).toEqual([]);
    expect(await notes()).toEqual(
      expect.arrayContaining([expect.objectContaining({ note: WITHOUT[0]?.note })]),
    );
  });

  it("stay if they were written after the erasure, or mention a similar address", async () => {
    await askApi("PUT", path(BOB), { note: "like joann@example.com" });
    await erase();
    pass(1_000);
    await askApi("PUT", path(CARL), { note: `knows ${ANN}` });
    await settle();
    expect(await notes()).toMatchObject([{ note: "like joann@example.com" }, { note: `knows ${ANN}` }]);
    expect(await objectOf(CARL)).toContain(`knows ${ANN}`);
  });

  it("cost no call of an object where nobody is mentioned", async () => {
    await askApi("PUT", path(BOB), { note: "somebody else" });
    await askApi("PUT", path(CARL), { note: `not ${ANN}` });
    const asked: string[] = [];
    const bindings = envWith();
    const CONTACTS = new Proxy(bindings.CONTACTS, {
      get: (from, name) =>
        name === "getByName"
          ? (address: string) => {
              asked.push(address);
              return from.getByName(address);
            }
          : (Reflect.get(from, name) as unknown),
    });
    await ask(ANN, "", { ...bindings, CONTACTS });
    expect([...new Set(asked)]).toEqual([ANN, CARL]);
  });

  it("lose it whatever call fails or wherever the process dies", async () => {
    expectLogs(FAULT, /erasure waits|a job/);
    for (const fault of ["before", "death"] as const) {
      let calls = Infinity;
      for (let k = 1; k <= calls; k++) {
        await freshWithKey();
        await writeNotes();
        const world = faulty(envWith(), k, fault);
        await Promise.race([ask(ANN, "", world.bindings), untilDead(world)]);
        if (world.calls() < k) calls = world.calls();
        if ((await rows("SELECT id FROM erasures")).length === 0) continue; // it never began
        await settle();
        expect(await traces(ANN), `${fault} at call ${k}`).toEqual([]);
        for (const contact of [BOB, CARL, DORA])
          expect(await objectOf(contact), `${fault} at call ${k}`).not.toMatch(/ann[@=]/i);
        expect(await notes(), `${fault} at call ${k}`).toEqual(WITHOUT);
      }
      expect(calls).toBeGreaterThan(10);
    }
  });

  it("lose it in every row of a contact that a page of the walk cuts in two", async () => {
    const insert = `INSERT INTO suppressions (contact, reason, scope, event, source, destination, at, note, version)`;
    await env.DB.batch([
      env.DB.prepare(
        `${insert} SELECT printf('c%05d@example.com', value), 'manual', '', 'e', 'api', 'other', 1, NULL, 1
         FROM json_each(?1)`,
      ).bind(JSON.stringify(Array.from({ length: 10_020 }, (_, i) => i + 1))),
      ...["complaint", "unsubscribed"].map((reason) =>
        env.DB.prepare(`${insert} VALUES ('c09999@example.com', ?1, '', 'f', 'api', 'other', 1, ?2, 1)`).bind(
          reason,
          reason === "complaint" ? null : `of ${ANN}`,
        ),
      ),
      env.DB.prepare("UPDATE suppressions SET note = ?1 WHERE contact = 'c10018@example.com'").bind(ANN),
    ]);
    await erase();
    await settle();
    expect(await rows("SELECT contact, note FROM suppressions WHERE note IS NOT NULL ORDER BY 1")).toEqual([
      { contact: "c09999@example.com", note: `of ${ERASED}` },
      { contact: "c10018@example.com", note: ERASED },
    ]);
  });
});

async function untilDead(world: { dead(): boolean }): Promise<void> {
  await vi.waitUntil(() => world.dead(), { timeout: 60_000, interval: 5 });
}
