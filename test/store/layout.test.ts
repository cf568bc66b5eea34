// The names of the bucket's objects. They must never change: objects lie under them for years.

import fc from "fast-check";
import { expect, it } from "vitest";
import { timeId } from "../../src/lib/time-id.ts";
import * as layout from "../../src/store/bucket/layout.ts";

const LATEST = Date.UTC(9999, 11, 31);
const time = fc.integer({ min: 0, max: LATEST });
const random = fc.uint8Array({ minLength: 10, maxLength: 10 });
const id = fc.tuple(time, random).map(([ms, bytes]) => timeId(ms, bytes));

it("names objects as every version before did", () => {
  const batch = timeId(Date.UTC(2026, 10, 21, 9, 30), new Uint8Array(10));
  expect(layout.archiveKey(batch)).toBe(`archive/2026-11-21/${batch}.ndjson.gz`);
  expect(layout.deadLetterKey(batch)).toBe(`dead-letters/${batch}.json.gz`);
  expect(layout.spoolKey(batch)).toBe(`spool/${batch}`);
  expect(layout.spoolKey(layout.againId("5f3c"))).toBe("spool/again-5f3c");
  expect(layout.givenUpKey(Date.UTC(2026, 8, 21, 14, 13, 20), "5f3c")).toBe("given-up/01m3250v005f3c");
  expect(layout.workingKey(batch)).toBe(`working/${batch}`);
  expect(layout.ERASURE_KEY).toBe("keys/erasure");
});

it("reads back from a key what it was made from", () => {
  fc.assert(
    fc.property(id, time, random, (batch, at, bytes) => {
      expect(layout.batchOfKey(layout.archiveKey(batch))).toBe(batch);
      expect(layout.timeOfSpoolKey(layout.spoolKey(timeId(at, bytes)))).toBe(at);
    }),
  );
});

it("tells archived batches and dead letters apart", () => {
  fc.assert(
    fc.property(id, (name) => {
      const keys = [layout.archiveKey(name), layout.deadLetterKey(name), layout.spoolKey(name)];
      expect(keys.map(layout.isArchiveKey)).toEqual([true, false, false]);
      expect(keys.map(layout.isDeadLetterKey)).toEqual([false, true, false]);
    }),
  );
});

it("lists batches in order of time: those from a time on lie behind its key, and earlier days before its day", () => {
  fc.assert(
    fc.property(time, time, random, (at, batchAt, bytes) => {
      const key = layout.archiveKey(timeId(batchAt, bytes));
      expect(key > layout.archiveKeyAt(at)).toBe(batchAt >= at);
      const startOfDay = at - (at % 86_400_000);
      expect(key < layout.archiveDay(at)).toBe(batchAt < startOfDay);
    }),
  );
});

it("lists messages that the queue gave up behind all others of the spool", () => {
  fc.assert(
    fc.property(id, fc.stringMatching(/^[0-9a-f]{32}$/), (envelope, message) => {
      const again = layout.spoolKey(layout.againId(message));
      expect(again.startsWith(layout.SPOOLED_AGAIN)).toBe(true);
      expect(again > layout.spoolKey(envelope)).toBe(true);
    }),
  );
});
