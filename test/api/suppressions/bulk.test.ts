// Lift, release and drop for many contacts: by filter, step by step, as a dry run, and taken back.

import { beforeEach, describe, expect, it } from "vitest";
import { freshStorage, rows } from "../../support/support.ts";
import { ask, bounce, list, mailjet, secondsNow, status } from "./asking.ts";

const NOW = secondsNow();
const at = (seconds: number): string => new Date(seconds * 1000).toISOString();
const asCsv = { headers: { "content-type": "text/csv" } };

interface Done {
  id: string;
  contacts: number;
  addresses: string[] | null;
  more: boolean;
  next: string | null;
}
const decide = async (kind: string, body: unknown) => {
  const answer = await ask("POST", `/${kind}`, body);
  expect(answer.status, JSON.stringify(body)).toBe(200);
  return await answer.json<Done>();
};
const suppressed = async (): Promise<string[]> =>
  (await list("?limit=1000")).suppressions.map(({ address, reason }) => `${address} ${reason}`).sort();
const spam = (email: string, time: number) => ({ event: "spam", email, time });

describe("a lift by filter", () => {
  beforeEach(freshStorage);

  it("ends what the filter names and nothing else of the same contacts, and is taken back", async () => {
    await mailjet(
      bounce("ann@gmail.com", NOW - 900, true),
      bounce("bob@gmail.com", NOW - 800, true),
      spam("bob@gmail.com", NOW - 700),
      bounce("cy@example.com", NOW - 850, true),
      bounce("dee@gmail.com", NOW - 9000, true),
    );
    const before = await suppressed();
    const filter = {
      destination: "gmail",
      since: at(NOW - 1000),
      until: at(NOW - 600),
      reason: "hard_bounce",
    };
    const asked = await ask("POST", "/lift", { ...filter, dry_run: true });
    expect(await asked.json()).toEqual({
      id: null,
      contacts: 2,
      addresses: ["ann@gmail.com", "bob@gmail.com"],
      more: false,
      next: null,
    });
    expect(await suppressed()).toEqual(before);
    const { id, ...done } = await decide("lift", { ...filter, note: "an outage at Gmail" });
    expect(done).toMatchObject({
      contacts: 2,
      more: false,
      notice: expect.stringMatching(/^Lifted here only/),
    });
    expect(await suppressed()).toEqual([
      "bob@gmail.com complaint",
      "cy@example.com hard_bounce",
      "dee@gmail.com hard_bounce",
    ]);
    expect((await status("ann@gmail.com")).history).toMatchObject([
      { reason: "hard_bounce", lifted_by: "tests", lift_note: "an outage at Gmail" },
    ]);
    expect(await decide("lift", filter)).toMatchObject({ contacts: 0 });
    // A late report of that time does not suppress; what happens afterwards does.
    await mailjet(bounce("ann@gmail.com", NOW - 650, true));
    expect((await status("ann@gmail.com")).suppression).toBeNull();
    await mailjet(bounce("ann@gmail.com", NOW - 10, true));
    expect((await status("ann@gmail.com")).suppression).toMatchObject({ reason: "hard_bounce" });
    expect(await (await ask("POST", "/undo", { id })).json()).toEqual({
      id,
      contacts: 2,
      more: false,
      next: null,
    });
    expect(await (await ask("POST", "/undo", { id })).json()).toMatchObject({ contacts: 0 });
    expect(await suppressed()).toEqual(before);
    expect((await status("ann@gmail.com")).history).toMatchObject([{ lifted_by: null }]);
    expect((await ask("POST", "/undo", { id: "nothing" })).status).toBe(404);
  });

  it("finds what one import entered, what lies in a domain, and one address", async () => {
    const imported = async (text: string) =>
      await (await ask("POST", "/import", `address\n${text}\n`, asCsv)).json<{ import: string }>();
    const first = await imported("ann@a.example\nbob@b.example");
    await imported("cy@a.example\ndee@sub.a.example\n@a.example");
    expect((await list(`?import=${first.import}`)).suppressions).toHaveLength(2);
    expect((await list("?domain=a.example")).suppressions).toHaveLength(3);
    expect(await decide("lift", { import: first.import })).toMatchObject({ contacts: 2 });
    const dry = await decide("lift", { domain: "@a.example", dry_run: true });
    expect(dry.addresses?.sort()).toEqual(["@a.example", "cy@a.example"]);
    expect(await decide("lift", { domain: "a.example" })).toMatchObject({ contacts: 2 });
    expect(await suppressed()).toEqual(["dee@sub.a.example manual"]);
    const { id } = await decide("lift", { address: "Dee@sub.a.example", note: "by mistake" });
    expect(await suppressed()).toEqual([]);
    expect((await ask("POST", "/lift", { address: "dee@sub.a.example" })).status).toBe(404);
    await ask("POST", "/undo", { id });
    expect(await suppressed()).toEqual(["dee@sub.a.example manual"]);
  });

  it("goes on step by step where the last answer ended, under one id, until it is taken back", async () => {
    const all = Array.from({ length: 450 }, (_, i) => `a${i}@many.example`);
    await ask("POST", "/import", `address\n${all.join("\n")}\n`, asCsv);
    const filter = { domain: "many.example" };
    const first = await decide("lift", filter);
    expect(first).toMatchObject({ contacts: 200, more: true });
    const second = await decide("lift", { ...filter, after: first.next });
    expect(second).toMatchObject({ id: first.id, contacts: 200, more: true });
    // The same step again finds only what is left.
    expect(await decide("lift", { ...filter, after: first.next })).toMatchObject({
      contacts: 50,
      more: false,
    });
    expect((await ask("POST", "/lift", { domain: "other.example", after: second.next })).status).toBe(400);
    expect((await ask("POST", "/drop", { ...filter, after: second.next })).status).toBe(400);
    const back = await (await ask("POST", "/undo", { id: first.id })).json<Done>();
    expect(back).toMatchObject({ contacts: 200, more: true });
    expect((await ask("POST", "/lift", { ...filter, after: second.next })).status).toBe(409);
    const more = await (await ask("POST", "/undo", { id: first.id, after: back.next })).json<Done>();
    const rest = await (await ask("POST", "/undo", { id: first.id, after: more.next })).json();
    expect([more.contacts, rest]).toMatchObject([200, { contacts: 50, more: false }]);
    expect((await list("?limit=1000")).suppressions).toHaveLength(450);
    expect(await rows("SELECT kind, undone_by FROM bulk_decisions")).toEqual([
      { kind: "lift", undone_by: "tests" },
    ]);
  });

  it("is news to the pipes when it is made and when it is taken back", async () => {
    await ask("PUT", "/ann@example.com", {});
    await rows(
      "INSERT INTO pipes (id, name, kind, settings, options, start, revision, created_at, changed_at) " +
        "VALUES ('p', 'p', 'webhook', '{}', '{}', '{}', 1, 0, 0)",
    );
    const { id } = await decide("lift", { reason: "manual" });
    await ask("POST", "/undo", { id });
    expect(await rows("SELECT type, contact FROM notices ORDER BY seq")).toEqual([
      { type: "contact.lifted", contact: "ann@example.com" },
      { type: "contact.suppressed", contact: "ann@example.com" },
    ]);
  });
});
