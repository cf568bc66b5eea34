// A message's status: the type of its furthest event, whatever the order of the events.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EVENT_TYPES } from "../../src/model/event.ts";
import { decidingEvent } from "../../src/model/message.ts";

describe("a message's status", () => {
  const order = [
    [{ type: "queued" }],
    [{ type: "sent" }],
    [{ type: "deferred" }],
    [{ type: "bounced", bounce: "soft" }, { type: "blocked" }, { type: "dropped" }, { type: "failed" }],
    [{ type: "delivered" }],
    [{ type: "bounced", bounce: "hard" }],
    [{ type: "opened" }],
    [{ type: "clicked" }],
    [{ type: "unsubscribed" }],
    [{ type: "complained" }],
  ] as const;

  it("is the furthest of its events, whatever their order and times", () => {
    const ranked = order.flatMap((level, rank) => level.map((event) => ({ bounce: null, ...event, rank })));
    const some = fc.array(fc.tuple(fc.constantFrom(...ranked), fc.nat(1_000)), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(some, (drawn) => {
        const events = drawn.map(([event, occurred_at], i) => ({ ...event, occurred_at, id: `id-${i}` }));
        const deciding = decidingEvent(events);
        expect(deciding?.rank).toBe(Math.max(...events.map(({ rank }) => rank)));
        expect(decidingEvent(events.toReversed())).toEqual(deciding);
      }),
    );
    expect(decidingEvent([])).toBeNull();
  });

  it("has a rank for every event type", () => {
    for (const type of EVENT_TYPES) {
      expect(decidingEvent([{ type, bounce: null, occurred_at: 0, id: "a" }])?.type).toBe(type);
    }
  });
});
