// Contacts that an earlier version stored under several spellings of one address become one contact.

import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { sendCommand } from "../../src/contact/send-commands.ts";
import { respell } from "../../src/history/respell.ts";
import { FAULT, faulty } from "../support/faults.ts";
import { expectLogs } from "../support/log.ts";
import { askApi, deliver, envWith, figure, freshStorage, rows } from "../support/support.ts";
import { reported, respellAll, stateWithoutKeys, storeFormerly } from "./former.ts";

const KEY = "ida@xn--kche-0ra.example";
const SPELLINGS = [
  "ida@k\u00fcche.example",
  KEY,
  "id\u200ba@k\u00fcche.example",
  "ida@k\u00fcche.example.",
  "'ida@xn--kche-0ra.example'",
  "mailto:ida@k\u00fcche.example",
];
const [UNICODE = "", , HIDDEN = ""] = SPELLINGS;
const DAY = 86_400;
const START = Math.floor(Date.now() / 1000) - 20 * DAY;

const HARD = { event: "bounce", hard_bounce: true };
const at = (email: string, days: number, more: Record<string, unknown> = {}) => ({
  email,
  time: START + Math.round(days * DAY),
  ...more,
});

const check = async (...addresses: string[]): Promise<unknown[]> => {
  const answer = await askApi("POST", "/v1/suppressions/check", { addresses });
  const checked = await answer.json<{ addresses: { reason: string | null }[] }>();
  return checked.addresses.map(({ reason }) => reason);
};
const suppressionsOf = async (address: string) => {
  const answer = await askApi("GET", `/v1/suppressions/${encodeURIComponent(address)}`);
  return await answer.json<{ suppressed: boolean; history: Record<string, unknown>[] }>();
};

beforeEach(() => expectLogs(/the pipes were not woken/));
beforeEach(freshStorage);

describe("contacts of one person", () => {
  it("become what they had been if the person had always had one key", async () => {
    const report = fc.record({
      email: fc.constantFrom(...SPELLINGS, "bob@example.com", "bob@example.com."),
      time: fc.nat({ max: 15 * DAY }).map((seconds) => START + seconds),
      event: fc.constantFrom("open", "click", "bounce", "spam", "unsub", "sent"),
      hard_bounce: fc.boolean(),
      MessageID: fc.nat({ max: 5 }),
      mj_campaign_id: fc.nat({ max: 2 }),
      url: fc.constant("https://example.com/a"),
    });
    const history = fc.array(fc.array(report, { minLength: 1, maxLength: 6 }), {
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(history, async (deliveries) => {
        const distinct = new Set<string>();
        const once = deliveries.map((reports) =>
          reports.filter(({ email, time, event }) => {
            const place = `${event} ${time} ${email.startsWith("bob")}`;
            return !distinct.has(place) && distinct.add(place);
          }),
        );
        await freshStorage();
        for (const reports of once) if (reports.length > 0) await storeFormerly(...reports);
        await respellAll();
        const moved = await stateWithoutKeys();
        expect(await figure("SELECT count(*) AS n FROM respelled")).toBe(0);
        await freshStorage();
        for (const reports of once) if (reports.length > 0) await deliver([await reported(...reports)]);
        expect(moved).toEqual(await stateWithoutKeys());
      }),
      { numRuns: 8 },
    );
  });

  it("are one after any call failed half-way, and the step was repeated", async () => {
    expectLogs(FAULT);
    const run = async (bindings: Env): Promise<unknown> => {
      await freshStorage();
      await storeFormerly(at(UNICODE, 1, HARD), at(KEY, 3, { event: "open" }));
      await respellAll(bindings).catch(() => {});
      await respellAll();
      return await stateWithoutKeys();
    };
    const counting = faulty(envWith(), 0, "before");
    const wanted = await run(counting.bindings);
    const calls = counting.calls();
    expect(calls).toBeGreaterThan(10);
    for (let k = 1; k <= calls; k++)
      for (const fault of ["before", "after"] as const)
        expect(await run(faulty(envWith(), k, fault).bindings), `call ${k} ${fault}`).toEqual(wanted);
  });

  it("may not be mailed under any spelling before they have become one, either", async () => {
    await storeFormerly(at(HIDDEN, 1, { event: "unsub" }));
    expect(await check(...SPELLINGS, "bob@example.com")).toEqual([
      ...SPELLINGS.map(() => "unsubscribed"),
      null,
    ]);
    expect(await suppressionsOf(KEY)).toMatchObject({ suppressed: true });
    await respellAll();
    expect(await check(...SPELLINGS, "bob@example.com")).toEqual([
      ...SPELLINGS.map(() => "unsubscribed"),
      null,
    ]);
  });

  it("are found by a later run, if the version before still wrote after the first", async () => {
    const now = Date.now();
    await respell(envWith(), now);
    await storeFormerly(at("bob@example.com.", 1, { event: "open" }));
    const entry = {
      kind: "entry",
      reason: "manual",
      scope: "",
      note: null,
      at: null,
      source: "api",
    } as const;
    await sendCommand(envWith(), UNICODE, { ...entry, id: "e1", by: "eve" });
    expect(await respell(envWith(), now + 60_000)).toBe(1); // bob, because of his event
    expect(await check(KEY)).toEqual(["manual"]);
    await respellAll();
    expect(await rows("SELECT contact FROM events")).toEqual([{ contact: "bob@example.com" }]);
    expect(await rows("SELECT contact, suppressed FROM contacts")).toEqual([
      { contact: KEY, suppressed: "manual" },
    ]);
    expect(await check(KEY)).toEqual(["manual"]);
  });

  it("keep apart what was decided about each: a lift of one does not lift the other's complaint", async () => {
    await storeFormerly(at(UNICODE, 2, HARD), at(KEY, 1, { event: "spam" }));
    // The version before knew only this spelling, so the decision goes to its object.
    const lift = {
      kind: "lift",
      id: "l1",
      by: "eve",
      note: "works again",
      reason: null,
      scope: null,
    } as const;
    await env.CONTACTS.getByName(UNICODE).execute([lift]);
    await respellAll();
    const { history } = await suppressionsOf(UNICODE);
    expect(history).toMatchObject([
      { reason: "complaint", lifted_at: null },
      { reason: "hard_bounce", lifted_by: "eve", lift_note: "works again" },
    ]);
    expect(await check(KEY)).toEqual(["complaint"]);
    expect(await check("bob@example.com")).toEqual([null]);
  });

  it("take along what people entered", async () => {
    await env.CONTACTS.getByName(UNICODE).execute([
      {
        kind: "entry",
        id: "e1",
        reason: "manual",
        scope: "",
        note: "by phone",
        at: null,
        source: "api",
        by: "eve",
      },
    ]);
    await storeFormerly(at(UNICODE, 1, HARD));
    await respellAll();
    expect((await suppressionsOf(KEY)).history).toMatchObject([
      { reason: "hard_bounce" },
      { reason: "manual", note: "by phone", by: "eve" },
    ]);
  });
});

describe("a report that was stored under a former spelling", () => {
  it("is a repeat when it arrives once more", async () => {
    await storeFormerly(at(UNICODE, 1, HARD), at(UNICODE, 2, { event: "open" }));
    await respellAll();
    await deliver([await reported(at(UNICODE, 1, HARD), at(UNICODE, 2, { event: "open" }))], envWith(), {
      firstId: 9,
    });
    expect(await figure("SELECT count(*) AS n FROM events")).toBe(2);
    expect(await figure("SELECT duplicates AS n FROM sources")).toBe(2);
    expect((await suppressionsOf(KEY)).history).toHaveLength(1);
  });

  it("keeps its place in the feed", async () => {
    await storeFormerly(at("bob@example.com", 1), at(UNICODE, 1), at("eve@example.com", 1));
    const before = await rows("SELECT seq, at FROM events ORDER BY seq");
    await respellAll();
    expect(await rows("SELECT seq, at FROM events ORDER BY seq")).toEqual(before);
  });
});

describe("a person's decision about an address before its contacts have become one", () => {
  it("lifts what was stored under a former spelling", async () => {
    await storeFormerly(at(HIDDEN, 1, HARD));
    expect((await askApi("DELETE", `/v1/suppressions/${KEY}`)).status).toBe(200);
    expect(await check(...SPELLINGS)).toEqual(SPELLINGS.map(() => null));
    await respellAll();
    expect(await check(...SPELLINGS)).toEqual(SPELLINGS.map(() => null));
  });

  it("erases what was stored under a former spelling", async () => {
    await storeFormerly(at(UNICODE, 1, HARD), at(HIDDEN, 2, HARD), at("bob@example.com", 1));
    const receipt = await (await askApi("DELETE", `/v1/contacts/${KEY}`)).json();
    expect(receipt).toMatchObject({ removed: { events: 2, contacts: 1 } });
    expect(await rows("SELECT contact FROM events")).toEqual([{ contact: "bob@example.com" }]);
    expect(await check(...SPELLINGS)).toEqual(SPELLINGS.map(() => "hard_bounce"));
  });
});

it("a suppression that moves is told under its key, and not as lifted", async () => {
  await storeFormerly(at(UNICODE, 1, HARD));
  await env.DB.prepare(
    `INSERT INTO pipes (id, name, kind, settings, options, start, revision, created_at, changed_at, paused)
     VALUES ('p', 'p', 'webhook', '{}', '{}', '{}', 1, 0, 0, 'by the test')`,
  ).run();
  await respellAll();
  expect(await rows("SELECT type, contact FROM notices")).toEqual([
    { type: "contact.suppressed", contact: KEY },
  ]);
});
