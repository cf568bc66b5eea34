// Words that no table knows: which are noted, for which element, and in which form they may be stored.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ok } from "../../../src/lib/result.ts";
import type { EventType, Reason } from "../../../src/model/event.ts";
import type { ParsedDelivery } from "../../../src/providers/index.ts";
import { jsonElements, parseElements } from "../../../src/providers/kit/elements.ts";
import { makeEvent, table, text } from "../../../src/providers/kit/fields.ts";
import { maskedWord, noteUnknown } from "../../../src/providers/kit/unknown-words.ts";
import { generic } from "../../../src/providers/generic/index.ts";
import { bytes, deliveryOf } from "../parsing.ts";

const TYPES = table<EventType>({ open: "opened", bounce: "bounced" }, "type");
const REASONS = table<Reason>({ full: "mailbox_full" }, "reason");
const SILENT = table({ a: 1 });

/** A provider's parser with such tables. */
const parse = (elements: unknown): ParsedDelivery => {
  const delivery = deliveryOf(generic, bytes(JSON.stringify(elements)));
  return parseElements(delivery, jsonElements(delivery), (element, index) => {
    const type = TYPES.get(text(element["kind"]) ?? "") ?? "unknown";
    const reason = REASONS.get(text(element["why"]) ?? "") ?? null;
    SILENT.get(text(element["why"]) ?? "");
    const core = {
      element: index,
      type,
      contact: "ann@example.com",
      message_id: null,
      occurredAt: 1,
      receivedAt: 1,
    };
    return ok([makeEvent({ ...core, distinguishing: [] }, { reason })]);
  });
};

const wordsOf = (elements: unknown): [number, string, string][] =>
  (parse(elements).unknown ?? []).map(({ element, kind, word }) => [element, kind, word]);

describe("the words of a delivery", () => {
  it("are noted with kind and element if a table with a kind does not know them, and else not at all", () => {
    expect(wordsOf([{ kind: "open" }, { kind: "paused" }, { kind: "bounce", why: "moon" }])).toEqual([
      [1, "type", "paused"],
      [2, "reason", "moon"],
      [2, "shape", "bounced without any words"],
    ]);
    expect(parse([{ kind: "open" }, { kind: "bounce", why: "full" }])).not.toHaveProperty("unknown");
  });

  it("are noted once for an element, and at most four of one", () => {
    const delivery = deliveryOf(generic, bytes("[{},{}]"));
    const { unknown } = parseElements(delivery, jsonElements(delivery), () => {
      for (const word of ["a", "a", "b", "c", "d", "e"]) noteUnknown("reason", word);
      return ok([]);
    });
    expect(unknown?.map(({ element, word }) => `${element}${word}`).join()).toBe("0a,0b,0c,0d,1a,1b,1c,1d");
  });

  it("are those of this delivery alone: outside of parsing nothing is noted", () => {
    TYPES.get("outside");
    expect(wordsOf([{ kind: "open" }])).toEqual([]);
    expect([TYPES.get("open"), TYPES.get("outside"), TYPES.size]).toEqual(["opened", undefined, 2]);
  });

  it("name a type that no table looked up by the element's own field for it", () => {
    const unknownOf = (element: unknown) => {
      const delivery = deliveryOf(generic, bytes(JSON.stringify([element])));
      const core = { element: 0, contact: "ann@example.com", message_id: null, occurredAt: 1, receivedAt: 1 };
      const event = makeEvent({ ...core, type: "unknown", distinguishing: [] }, {});
      return parseElements(delivery, jsonElements(delivery), () => ok([event])).unknown?.map(
        ({ word }) => word,
      );
    };
    expect(unknownOf({ id: "x", event_type: "email.paused" })).toEqual(["email.paused"]);
    expect(unknownOf({ name: "Ann", data: { Event: "paused" }, type: "message" })).toEqual(["message"]);
    expect(unknownOf({ body: { RecordType: "Paused" } })).toEqual(["Paused"]);
    expect(unknownOf({ id: 5 })).toEqual(["(no name)"]);
  });

  it("tell a time that cannot be used by its form", () => {
    const elements = [
      { event: "delivered", email: "ann@example.com", timestamp: "2026-13-45 at noon" },
      { event: "delivered", email: "ann@example.com", timestamp: "2099-01-01T00:00:00Z" },
      { event: "delivered", email: "ann@example.com" },
    ];
    const { unknown } = generic.parse(deliveryOf(generic, bytes(JSON.stringify(elements))));
    expect(unknown).toEqual([
      { element: 0, kind: "time", word: "0-0-0 at noon" },
      { element: 1, kind: "time", word: "more than a day ahead" },
    ]);
  });
});

describe("a word as it is stored", () => {
  it.each([
    ["email.paused", "email.paused"],
    ["  5.7.1 \u0000\n no  ", "5.7.1   no"],
    ["bounce of ann@example.com", "(contains an address)"],
    ["ann%40example.com", "(contains an address)"],
    ["order 123456789", "order #"],
    ["class 1234", "class 1234"],
    ["x".repeat(300), "x".repeat(64)],
    ["\ud800", "\ufffd"],
  ])("%j is %j", (word, masked) => expect(maskedWord(word)).toBe(masked));

  it("is short, well-formed, without addresses and long numbers, and stays as it is if it is masked again", () => {
    const word = fc.oneof(fc.string({ unit: "binary" }), fc.emailAddress(), fc.string({ maxLength: 500 }));
    fc.assert(
      fc.property(word, (given) => {
        const masked = maskedWord(given);
        expect(masked.length).toBeLessThanOrEqual(64);
        expect(masked.isWellFormed()).toBe(true);
        expect(masked).not.toMatch(/@|\d{5}|\p{Cc}/u);
        expect(maskedWord(masked)).toBe(masked.trim());
      }),
    );
  });
});
