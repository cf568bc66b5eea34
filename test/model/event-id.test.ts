// Event ids: what they contain, how they sort, and that they distinguish reports.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { claimKey, contactPrefix, eventId, EVENT_ID_LENGTH } from "../../src/model/event-id.ts";

describe("ids", () => {
  it("of events begin with the contact's prefix, sort by time within it, and differ for different keys", () => {
    const time = fc.integer({ min: 0, max: 2 ** 43 });
    fc.assert(
      fc.property(time, time, fc.emailAddress(), (a, b, contact) => {
        const key = claimKey("mailjet", ["x"]);
        const [first, second] = [a, b].map((occurred_at) => eventId({ contact, occurred_at }, key));
        expect(first).toHaveLength(EVENT_ID_LENGTH);
        expect(first?.startsWith(contactPrefix(contact))).toBe(true);
        expect(Math.sign((first ?? "").localeCompare(second ?? "", "en"))).toBe(Math.sign(a - b));
      }),
    );
    expect(claimKey("a", ["b", "c"])).not.toBe(claimKey("a", ["bc", ""]));
    expect(claimKey("a", ["b"])).not.toBe(claimKey("b", ["a"]));
  });
});
