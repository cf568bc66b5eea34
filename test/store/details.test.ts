// The stored form of details: it is read as it was packed, takes a third of the room, and is text wherever an erasure
// must find an address by SQL.

import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mentions } from "../../src/model/address-search.ts";
import { normalizeAddress } from "../../src/model/address.ts";
import { detailsCodec, isDeflated, storedValue } from "../../src/store/events/details.ts";
import { DICTIONARIES, LATEST_DICTIONARY } from "../../src/store/events/details-dictionary.ts";
import { unescaped } from "../../src/model/escapes.ts";

const AGENT =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)";
const SEEN = JSON.stringify({ ip: "203.0.113.9", geo: "CH", user_agent: AGENT, machine: false });

const codec = await detailsCodec();

describe("packed details", () => {
  it("are read as they were packed, whatever they hold", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (details) => {
        const json = JSON.stringify(details);
        expect(codec.unpack(codec.pack(json))).toBe(json);
      }),
    );
    expect([codec.pack(null), codec.unpack(null)]).toEqual([null, null]);
  });

  it("take less than a third of what an open's take as text", () => {
    const packed = codec.pack(SEEN);
    expect(isDeflated(packed)).toBe(true);
    expect((packed ?? "").length / 2).toBeLessThan(SEEN.length / 3);
  });

  it("stay text where they may mention an address, in any spelling", () => {
    const letters = fc.string({
      unit: fc.constantFrom("a", "b", "c", "x", "y", "0", "1", "9"),
      minLength: 1,
      maxLength: 8,
    });
    const address = fc
      .tuple(letters, letters, fc.constantFrom(".com", ".org", ""))
      .map(([local, domain, end]) => normalizeAddress(`${local}@${domain}${end}`))
      .filter((one) => one !== null);
    const written = fc.constantFrom(
      (one: string) => one,
      (one: string) => one.toUpperCase(),
      (one: string) => encodeURIComponent(one),
      (one: string) => encodeURIComponent(encodeURIComponent(one)),
      (one: string) => one.replace("@", "="),
      (one: string) => one.replace("@", "=40"),
      (one: string) => one.replace("@", "&#64;"),
      (one: string) => one.replace("@", "&#x40;"),
      (one: string) => one.replace("@", "&commat;"),
      (one: string) => one.replace("@", "\\u0040"),
      (one: string) => one.replace("@", "\uff20"),
    );
    fc.assert(
      fc.property(address, written, fc.constantFrom("url", "description"), (one, write, field) => {
        const json = JSON.stringify({ [field]: `of ${write(one)} there`, user_agent: AGENT });
        expect(mentions(json, one), json).toBe(true);
        expect(codec.pack(json)).toBe(json);
      }),
    );
  });

  it("hold nothing that an escape could hide", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string()), (details) => {
        const json = JSON.stringify({ ...details, user_agent: AGENT });
        if (isDeflated(codec.pack(json)))
          expect(unescaped(json).replaceAll(/[\\ ]/g, "")).not.toMatch(/[@=%]/);
      }),
    );
  });

  it("tell D1 how long their JSON is", async () => {
    for (const length of [1, 60, 500, 5_000, 8_100]) {
      const json = JSON.stringify({ metadata: { text: "x".repeat(length) } });
      const packed = codec.pack(json);
      const told = await env.DB.prepare(
        `WITH r AS (SELECT ${storedValue("?1")} AS details)
         SELECT iif(typeof(r.details) = 'blob', 64 * unicode(CAST(substr(r.details, 2, 1) AS TEXT)), octet_length(r.details)) AS n,
           iif(typeof(r.details) = 'blob', hex(r.details), r.details) AS stored FROM r`,
      )
        .bind(packed)
        .first<{ n: number; stored: string }>();
      expect(told?.stored).toBe(packed);
      expect(told?.n).toBeGreaterThanOrEqual(json.length);
      expect(told?.n).toBeLessThan(json.length + 64);
    }
  });

  it("are refused, not misread, if a later version packed them", () => {
    const packed = codec.pack(SEEN) ?? "";
    expect(() => codec.unpack(`FF${packed.slice(2)}`)).toThrow("a form of a later version");
  });
});

it("no dictionary is ever changed, because stored events need theirs", async () => {
  const digests = await Promise.all(
    DICTIONARIES.map(async (text) => {
      const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
      return Buffer.from(digest).toString("hex").slice(0, 16);
    }),
  );
  expect(digests).toEqual(["e3b0c44298fc1c14", "b55cee80f338fc87"]);
  expect(LATEST_DICTIONARY).toBe(DICTIONARIES.length - 1);
});
