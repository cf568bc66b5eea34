// Envelopes as frames of the queue and as lines of the archive: they come out unchanged.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeFrame,
  encodeFrame,
  encodeGzipped,
  encodePointer,
  headerOf,
  fromLine,
  toLine,
  type Envelope,
} from "../../src/model/envelope.ts";

describe("envelopes", () => {
  const envelope = fc.record<Envelope>({
    id: fc.string({ minLength: 1 }),
    source: fc.string({ minLength: 1 }),
    provider: fc.string(),
    receivedAt: fc.nat(),
    method: fc.constantFrom("POST", "GET"),
    url: fc.webUrl({ withQueryParameters: true }),
    headers: fc.array(fc.tuple(fc.string(), fc.string())),
    body: fc.oneof(
      fc.uint8Array(),
      fc.string({ unit: "binary" }).map((text) => new TextEncoder().encode(`\uFEFF${text}`)),
    ),
  });

  it("come out of a frame and out of an archive line unchanged", async () => {
    await fc.assert(
      fc.asyncProperty(envelope, fc.constantFrom(undefined, 1, 9), async (sent, level) => {
        expect(await decodeFrame(encodeFrame(sent))).toEqual({ envelope: sent, batch: null });
        expect(await decodeFrame(await encodeGzipped(sent, level))).toEqual({ envelope: sent, batch: null });
        const { body: _, ...head } = sent;
        expect(headerOf(encodeFrame(sent))).toEqual(head);
        expect(await decodeFrame(encodePointer(sent, "b"))).toEqual({ envelope: head, batch: "b" });
        const line = toLine(sent);
        expect(line).not.toContain("\n");
        const { body, ...rest } = fromLine(line);
        expect(rest).toEqual(head);
        expect([...body]).toEqual([...sent.body]);
      }),
      { numRuns: 200 },
    );
  });

  it("are never decoded from bytes that are not a frame", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), async (bytes) => {
        await expect(decodeFrame(bytes)).rejects.toThrow();
      }),
    );
  });
});
