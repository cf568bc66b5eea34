// Suppressions of whole domains.

import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { readAddress } from "../../../src/model/address.ts";
import { readWholeDomain, wholeDomainOf } from "../../../src/model/whole-domain.ts";
import { countingDb } from "../../support/counting-db.ts";
import { askApi, freshStorage, rows } from "../../support/support.ts";
import { ask, bindings, list, mailjet, secondsNow, status } from "./asking.ts";

const NOW = secondsNow();
const asCsv = { headers: { "content-type": "text/csv" } };

interface Checked {
  suppressed: boolean;
  reason: string | null;
  domain: string | null;
  reasons: string[];
}
const check = async (addresses: string[], more = {}) =>
  (await (await ask("POST", "/check", { addresses, ...more })).json<{ addresses: Checked[] }>()).addresses;
const path = (text: string): string => `/${encodeURIComponent(text)}`;

describe("a suppression of a whole domain", () => {
  beforeEach(freshStorage);

  it("holds for all its addresses and none of its sub-domains, in all that is asked", async () => {
    const answer = await ask("PUT", "/@Evil.example", { note: "asked by their legal department" });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({
      address: "@evil.example",
      suppressed: true,
      suppression: { reason: "manual", by: "tests" },
      domain: null,
    });
    const asked = ["Bob@evil.example", "<a@EVIL.example.>", "a@mail.evil.example", "a@notevil.example"];
    expect((await check(asked)).map(({ suppressed }) => suppressed)).toEqual([true, true, false, false]);
    expect((await check(asked))[0]).toMatchObject({
      reason: "manual",
      domain: "@evil.example",
      reasons: ["manual"],
    });
    expect((await check(asked, { reasons: ["hard_bounce"] }))[0]).toMatchObject({ suppressed: false });
    expect(await status("bob@evil.example")).toMatchObject({
      suppressed: true,
      reasons: ["manual"],
      suppression: { note: "asked by their legal department" },
      domain: { note: "asked by their legal department" },
      history: [],
    });
    const contact = await askApi("GET", "/v1/contacts/bob@evil.example", undefined, bindings());
    expect(await contact.json()).toMatchObject({ status: "suppressed", domain: { reason: "manual" } });
    expect((await askApi("GET", "/v1/contacts/bob@good.example", undefined, bindings())).status).toBe(404);
    expect((await list()).suppressions.map(({ address }) => address)).toEqual(["@evil.example"]);
  });

  it("is one more reason beside the address's own, has a history, and is lifted by its own entry", async () => {
    await mailjet({ event: "spam", email: "ann@evil.example", time: NOW - 100 });
    await ask("PUT", "/*@evil.example", { reason: "unsubscribed" });
    expect(await status("ann@evil.example")).toMatchObject({
      reasons: ["complaint", "unsubscribed"],
      suppression: { reason: "complaint" },
      domain: { reason: "unsubscribed" },
    });
    expect((await check(["ann@evil.example"]))[0]).toMatchObject({ reason: "complaint", domain: null });
    expect((await ask("DELETE", "/ann@evil.example")).status).toBe(200);
    expect(await status("ann@evil.example")).toMatchObject({ suppressed: true, reasons: ["unsubscribed"] });
    const refused = await ask("DELETE", "/ann@evil.example");
    expect(refused.status).toBe(404);
    expect(await refused.json()).toMatchObject({ detail: expect.stringMatching(/lift @evil\.example\.$/) });
    expect((await ask("DELETE", "/@evil.example?note=over")).status).toBe(200);
    expect(await status("ann@evil.example")).toMatchObject({ suppressed: false, domain: null });
    expect(await status("@evil.example")).toMatchObject({
      suppressed: false,
      history: [{ lifted_by: "tests", lift_note: "over" }],
    });
  });

  it("is found in either spelling, and asked with an end and for one list as an address is", async () => {
    await ask("PUT", path("@küche.example"), { scope: "mailjet:7" });
    expect((await status("@xn--kche-0ra.example")).history).toHaveLength(1);
    const both = ["ida@xn--kche-0ra.example", "ida@Küche.example"];
    expect((await check(both)).map(({ suppressed }) => suppressed)).toEqual([false, false]);
    expect((await check(both, { scope: "mailjet:7" })).map(({ domain }) => domain)).toEqual([
      "@xn--kche-0ra.example",
      "@xn--kche-0ra.example",
    ]);
  });

  it("goes into an import and comes back in an export, but a mailbox provider's domain needs a word more", async () => {
    const body = "address,reason\n*@evil.example,unsubscribed\n@gmail.com,manual\n@x.*,manual\n";
    expect(await (await ask("POST", "/import", body, asCsv)).json()).toMatchObject({
      rows: 3,
      added: 1,
      rejects: [
        { line: 3, reason: expect.stringMatching(/gmail/) },
        { line: 4, reason: expect.stringMatching(/several domains/) },
      ],
    });
    const csv = { headers: { accept: "text/csv" } };
    const exported = await (await ask("GET", "", undefined, csv)).text();
    expect(exported).toContain("@evil.example,");
    expect(await (await ask("POST", "/import", exported, asCsv)).json()).toMatchObject({
      rows: 1,
      unchanged: 1,
    });
    for (const name of ["gmail.com", "yahoo.co.jp", "gmx.de"]) {
      const refused = await ask("PUT", `/@${name}`, {});
      expect(refused.status, name).toBe(409);
      expect(await refused.json()).toMatchObject({ detail: expect.stringMatching(/"force": true/) });
    }
    expect((await check(["bob@gmail.com"]))[0]?.suppressed).toBe(false);
    expect((await ask("PUT", "/@gmail.com", { force: true })).status).toBe(200);
    expect((await check(["bob@gmail.com"]))[0]?.suppressed).toBe(true);
  });

  it("is asked in the same round trip, by an index that holds nothing but domains", async () => {
    const addresses = Array.from({ length: 1_000 }, (_, i) => `a${i}@d${i % 500}.example`);
    const text = addresses.filter((_, i) => i % 10 === 0).join("\n");
    await ask("POST", "/import", `address\n${text}\n`, asCsv);
    const counting = countingDb();
    const checked = async () => {
      counting.read = 0;
      counting.asked.length = 0;
      const answer = await ask("POST", "/check", { addresses }, { env: bindings({ DB: counting.db }) });
      return { read: counting.read, answer: await answer.json<{ addresses: Checked[] }>() };
    };
    const before = await checked();
    await ask("PUT", "/@d7.example", {});
    const after = await checked();
    expect(after.answer.addresses.filter(({ domain }) => domain === "@d7.example")).toHaveLength(2);
    // Of the rows, 1,000 and 500 are the addresses and domains themselves.
    expect(after.read).toBeLessThanOrEqual(before.read + 500 + 3);
    expect(after.read).toBeGreaterThan(before.read + 500); // so they are not looked at before there is any
    const own = counting.asked.find((sql) => sql.includes("suppressions AS s ON")) ?? "";
    const [alone] = await rows<{ n: number }>("SELECT count(*) AS n FROM suppressions WHERE contact < 'a'");
    expect([own.length > 0, alone?.n]).toEqual([true, 1]);
    const ofDomains = counting.asked.find((sql) => sql.includes("suppressions_domain")) ?? "";
    const plan = await rows<{ detail: string }>(`EXPLAIN QUERY PLAN ${ofDomains.replaceAll(/\?\d/g, "''")}`);
    expect(plan.map(({ detail }) => detail).join("\n")).toMatch(/INDEX suppressions_domain \(contact=\?/);
  });
});

describe("the key of a whole domain", () => {
  it("is one for all spellings, is never an address, and is what its addresses lead to", () => {
    expect(readWholeDomain("@Example.COM.")).toEqual({ ok: true, value: "@example.com" });
    expect(readWholeDomain("*@Küche.example")).toEqual({ ok: true, value: "@xn--kche-0ra.example" });
    for (const text of ["@", "@com", "@ex ample.com", "@a@b.example", "*@*.example.com"])
      expect(readWholeDomain(text)?.ok, text).toBe(false);
    for (const text of [
      "ann@example.com",
      "example.com",
      "*.example.com",
      "",
      "<@example.com",
      " @example.com",
    ])
      expect(readWholeDomain(text), text).toBeNull();
    fc.assert(
      fc.property(fc.emailAddress(), fc.constantFrom("@", "*@"), (address, sign) => {
        const read = readAddress(address);
        if (!read.ok) return;
        const domain = readWholeDomain(sign + address.slice(address.lastIndexOf("@") + 1));
        expect(domain).toEqual({ ok: true, value: wholeDomainOf(read.value) });
        expect(readWholeDomain(address)).toBeNull();
        expect(readAddress(domain?.ok === true ? domain.value : "").ok).toBe(false);
      }),
    );
  });
});
