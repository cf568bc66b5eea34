// Entries by hand with a reason, a note and an end; changes of them; and all reasons in force.

import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { endSuppressions } from "../../../src/contact/ends.ts";
import { askApi, freshStorage, rows } from "../../support/support.ts";
import { ask, bindings, bounce, list, mailjet, secondsNow, status, type Status } from "./asking.ts";

const NOW = secondsNow();
const later = (ms: number): string => new Date(Date.now() + ms).toISOString();
const HOUR = 3_600_000;

interface Checked {
  address: string;
  suppressed: boolean;
  reason: string | null;
  reasons: string[];
  domain: string | null;
}
const check = async (addresses: string[], more = {}, query = "") =>
  (await (await ask("POST", `/check${query}`, { addresses, ...more })).json<{ addresses: Checked[] }>())
    .addresses;
const put = async (body: unknown, address = "ann@example.com") =>
  await (await ask("PUT", `/${address}`, body)).json<Status>();

describe("an entry by hand", () => {
  beforeEach(freshStorage);

  it("has a reason, a note and an end, and is changed without a gap, while the history keeps each change", async () => {
    const end = later(24 * HOUR);
    const first = await put({ reason: "unsubscribed", note: "by phone", expires_at: end });
    expect(first).toMatchObject({
      suppressed: true,
      suppression: { reason: "unsubscribed", note: "by phone", expires_at: end, by: "tests" },
    });
    expect(await put({ note: "by letter" })).toMatchObject({
      suppressed: true,
      suppression: {
        reason: "unsubscribed",
        note: "by letter",
        expires_at: end,
        since: first.suppression?.since,
      },
      history: [{ note: "by phone", lifted_by: "tests", lift_note: "changed" }, { note: "by letter" }],
    });
    expect(await put({ reason: "complaint", expires_at: null, note: null })).toMatchObject({
      suppression: { reason: "complaint", note: null, expires_at: null },
      reasons: ["complaint"],
    });
    expect(await put({})).toMatchObject({ suppression: { reason: "complaint" }, history: [{}, {}, {}] });
    expect((await list()).suppressions).toHaveLength(1);
    // The same entry for one list is another one.
    expect(await put({ scope: "mailjet:1" })).toMatchObject({ suppression: { reason: "complaint" } });
    expect((await list()).suppressions).toHaveLength(2);
    expect((await ask("DELETE", "/ann@example.com")).status).toBe(200);
    expect((await list()).suppressions).toEqual([]);
  });

  it("leaves what an event or another system's list says as it is", async () => {
    await mailjet(bounce("ann@example.com", NOW - 500, true));
    const asCsv = { headers: { "content-type": "text/csv" } };
    await ask("POST", "/import", "address,reason,note\nann@example.com,unsubscribed,old list\n", asCsv);
    expect(await put({ note: "asked", reason: "hard_bounce" })).toMatchObject({
      reasons: ["unsubscribed", "hard_bounce"],
      history: [{ by: null }, { note: "old list" }, { note: "asked", reason: "hard_bounce" }],
    });
    expect(await put({ note: "from the old list", reason: "unsubscribed" })).toMatchObject({
      suppression: { note: "old list" },
    });
    await ask("DELETE", "/ann@example.com?reason=hard_bounce");
    expect((await check(["ann@example.com"]))[0]).toMatchObject({ reasons: ["unsubscribed"] });
  });

  it("ends by itself: at once for all who ask, and in the history with the next scheduled run", async () => {
    await put({ expires_at: later(HOUR) });
    const past = Date.now() - 1_000;
    // Nothing but time has to pass, so the end is moved into the past, in the object and in the database.
    const setting = { kind: "set", id: "moved", source: "api", by: "tests", scope: "", until: past } as const;
    const { snapshot } = await env.CONTACTS.getByName("ann@example.com").execute([setting]);
    expect(snapshot.suppressions.at(-1)).toMatchObject({
      expires_at: past,
      lifted_at: past,
      lifted_by: null,
    });
    await rows(`UPDATE suppressions SET expires_at = ${past} WHERE lifted_at IS NULL`);
    expect(await status("ann@example.com")).toMatchObject({
      suppressed: false,
      reasons: [],
      history: [{ lifted_by: null }],
    });
    expect((await check(["ann@example.com"]))[0]).toMatchObject({ suppressed: false, reasons: [] });
    expect((await list()).suppressions).toEqual([]);
    expect((await list("?include=lifted")).suppressions).toHaveLength(1);
    const contact = await askApi("GET", "/v1/contacts/ann@example.com", undefined, bindings());
    expect(await contact.json()).toMatchObject({ status: "active", reasons: [] });
    expect((await ask("DELETE", "/ann@example.com")).status).toBe(200); // the database did not know it yet
    expect(await endSuppressions(env, Date.now())).toBe(0);
  });

  it("is written down as ended by the scheduled run, and then no more", async () => {
    await put({ expires_at: later(400) });
    await put({ expires_at: later(100 * HOUR) }, "bob@example.com");
    expect(await endSuppressions(env, Date.now())).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await endSuppressions(env, Date.now())).toBe(1);
    expect(await endSuppressions(env, Date.now())).toBe(0);
    expect(await status("ann@example.com")).toMatchObject({
      suppressed: false,
      history: [{ lifted_by: null, lift_note: "ended as set" }],
    });
    expect(await rows("SELECT suppressed FROM contacts ORDER BY contact")).toEqual([
      { suppressed: null },
      { suppressed: "manual" },
    ]);
    expect(await put({})).toMatchObject({ suppressed: true, suppression: { expires_at: null } });
  });

  it("is imported with its end", async () => {
    const asCsv = { headers: { "content-type": "text/csv" } };
    const end = later(HOUR);
    await ask("POST", "/import", `address,expires_at\nann@example.com,${end}\n`, asCsv);
    expect((await status("ann@example.com")).suppression).toMatchObject({ expires_at: end });
  });
});

describe("all reasons in force", () => {
  beforeEach(freshStorage);

  it("are told, the strongest first, and a check can leave some out", async () => {
    await mailjet(
      bounce("ann@example.com", NOW - 500, true),
      { event: "unsub", email: "ann@example.com", time: NOW - 400 },
      { event: "unsub", email: "bob@example.com", time: NOW - 400 },
    );
    await put({ note: "asked" });
    const reasons = ["unsubscribed", "manual", "hard_bounce"];
    expect(await status("ann@example.com")).toMatchObject({
      reasons,
      suppression: { reason: "unsubscribed" },
    });
    const contact = await askApi("GET", "/v1/contacts/ann@example.com", undefined, bindings());
    expect(await contact.json()).toMatchObject({ reasons });
    const both = ["ann@example.com", "bob@example.com", "cy@example.com"];
    expect((await check(both)).map((one) => one.reasons)).toEqual([reasons, ["unsubscribed"], []]);
    const needed = [
      { suppressed: true, reason: "hard_bounce", reasons: ["hard_bounce"] },
      { suppressed: false, reason: null, reasons: [] },
      { suppressed: false },
    ];
    expect(await check(both, { reasons: ["hard_bounce", "complaint"] })).toMatchObject(needed);
    expect(await check(both, { reasons: "hard_bounce,complaint" })).toMatchObject(needed);
    expect(await check(both, {}, "?reasons=hard_bounce,complaint")).toMatchObject(needed);
  });

  it("stay when one of them is lifted, and the answer says that no provider's list has changed", async () => {
    await mailjet(bounce("ann@example.com", NOW - 500, true), {
      event: "unsub",
      email: "ann@example.com",
      time: NOW - 400,
    });
    const lifted = await (await ask("DELETE", "/ann@example.com?reason=unsubscribed")).json();
    expect(lifted).toMatchObject({ suppressed: true, reasons: ["hard_bounce"] });
    expect(lifted).toHaveProperty("notice", expect.stringMatching(/^Lifted here only\. A provider/));
  });
});
