// Unzipping bodies of a bounded length, and the parser that does so itself.

import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isGzip, unzip } from "../../src/lib/unzip.ts";
import { generic } from "../../src/providers/generic/index.ts";
import { bytes, deliveryOf } from "../providers/parsing.ts";

describe("gzip", () => {
  it("gives back the bytes that were gzipped, up to the limit", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 500 }), (content) => {
        const zipped = gzipSync(content);
        expect(isGzip(zipped)).toBe(true);
        expect(unzip(zipped, content.length)).toEqual({ ok: true, bytes: content });
        expect(unzip(zipped, content.length - 1)).toEqual({ ok: false, reason: "too large" });
      }),
      { numRuns: 50 },
    );
  });

  it("that is cut off, or none at all, is broken", () => {
    const zipped = gzipSync(bytes("x".repeat(1000)));
    for (const broken of [zipped.subarray(0, 15), bytes("plain"), new Uint8Array(0)])
      expect(unzip(broken, 5_000)).toEqual({ ok: false, reason: "broken" });
  });
});

describe("a generic source that gets gzip without being told so", () => {
  const parsed = (body: Uint8Array) => generic.parse(deliveryOf(generic, body, ""));

  it("reads JSON, forms and XML in it", () => {
    const documents = [
      '{"event":"open","email":"zoe@example.com"}',
      "event=open&email=zoe%40example.com",
      "<event><event>open</event><email>zoe@example.com</email></event>",
    ];
    for (const document of documents) {
      const { events, rejects } = parsed(gzipSync(document));
      expect(events.map(({ type, contact }) => `${type} ${contact}`)).toEqual(["opened zoe@example.com"]);
      expect(rejects).toEqual([]);
      expect(generic.elements?.(deliveryOf(generic, gzipSync(document), ""))).toHaveLength(1);
    }
  });

  it("keeps what holds more than 5 MB, or is broken, as a dead letter", () => {
    const reasons = [gzipSync(new Uint8Array(5_000_001)), gzipSync("{}").subarray(0, 12)].map((body) =>
      parsed(body).rejects.map(({ reason }) => reason),
    );
    expect(reasons).toEqual([["the gzipped body is too large"], ["the gzipped body is broken"]]);
  });
});
