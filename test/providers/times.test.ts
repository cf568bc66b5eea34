// Times that cannot be read or lie ahead. Every provider keeps such an event, with the time of receipt, and knows the
// report again when it arrives later.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DAY } from "../../src/lib/time.ts";
import { claimKey } from "../../src/model/event-id.ts";
import type { ParsedEvent } from "../../src/model/event.ts";
import { providers, type ParsedDelivery, type Provider } from "../../src/providers/index.ts";
import { makeEvent, time } from "../../src/providers/kit/fields.ts";
import { parseVerbatim } from "../../src/providers/kit/json.ts";
import { casesOf, type Case } from "../support/provider-cases.ts";
import { bytes } from "./parsing.ts";

/** The case with another value wherever it contains the time of one of its events; null if it contains none. */
function withTimes({ body, events }: Case, value: unknown): string | null {
  const told = new Set(events.filter(({ estimated }) => !estimated).map((event) => event.occurred_at));
  let replaced = false;
  const changed = JSON.stringify(parseVerbatim(body), (_, leaf: unknown) => {
    const ms = typeof leaf === "string" || typeof leaf === "number" ? time(leaf) : null;
    if (typeof ms !== "number" || !told.has(ms)) return leaf;
    replaced = true;
    return value;
  });
  return replaced ? changed : null;
}

const keysOf = (provider: Provider, { events }: ParsedDelivery): string[] =>
  events.map(({ identity }) => claimKey(provider.id, identity));

const VALUES: [string, unknown][] = [
  ["words", "the day before yesterday"],
  ["a list", [["soon"]]],
  ["a time in two years", new Date(Date.UTC(2028, 11)).toISOString()],
];

const TIMED = Object.entries(providers).flatMap(([key, provider]) => {
  const cases = casesOf(key).filter((one) => one.json && withTimes(one, "") !== null);
  return cases.length === 0 ? [] : [{ key, provider, cases }];
});

it("every provider is tried here", () => {
  expect(TIMED.map(({ key }) => key)).toEqual(Object.keys(providers));
});

describe.each(TIMED)("$key", ({ provider, cases }) => {
  it.each(VALUES)("keeps all events if their times become %s, and knows them again later", (_, value) => {
    for (const one of cases) {
      const body = withTimes(one, value);
      if (body === null) throw new Error("it contains no time");
      const delivery = { ...one.delivery, body: bytes(body) };
      const [parsed, before] = [provider.parse(delivery), provider.parse(one.delivery)];
      expect(parsed.rejects.length, one.name).toBe(before.rejects.length);
      expect(parsed.events.map(identified), one.name).toEqual(before.events.map(identified));
      const estimated = parsed.events.filter((event) => event.estimated);
      expect(estimated.every((event) => event.occurred_at === delivery.receivedAt)).toBe(true);
      const later = provider.parse({ ...delivery, receivedAt: delivery.receivedAt + 3 * DAY });
      expect(keysOf(provider, later), one.name).toEqual(keysOf(provider, parsed));
    }
  });
});

const identified = ({ type, contact, element }: ParsedEvent) => ({ type, contact, element });

describe("an event's time", () => {
  const core = { element: 0, type: "unsubscribed" as const, contact: "ann@example.com", message_id: "m1" };
  const at = (occurredAt: number | string | null, receivedAt: number): ParsedEvent =>
    makeEvent({ ...core, occurredAt, receivedAt, distinguishing: [] }, {});
  const received = fc.integer({ min: Date.UTC(2020), max: Date.UTC(2030) });

  it("is the provider's up to a day after receipt, else that of receipt, which is told", () => {
    fc.assert(
      fc.property(received, fc.integer({ min: -DAY, max: 3 * DAY }), (receivedAt, ahead) => {
        const { occurred_at, estimated } = at(receivedAt + ahead, receivedAt);
        expect({ occurred_at, estimated }).toEqual(
          ahead <= DAY
            ? { occurred_at: receivedAt + ahead, estimated: false }
            : { occurred_at: receivedAt, estimated: true },
        );
      }),
    );
    expect(at(null, 5)).toMatchObject({ occurred_at: 5, estimated: true });
    expect(at("soon", 5)).toMatchObject({ occurred_at: 5, estimated: true });
  });

  it("belongs to the report's identity as it was written, whenever the report is received", () => {
    const written = fc.oneof(received, fc.string(), fc.constant(null));
    fc.assert(
      fc.property(written, written, received, received, (one, other, early, late) => {
        expect(at(one, early).identity).toEqual(at(one, late).identity);
        const isSame = String(one ?? "") === String(other ?? "");
        expect(at(one, early).identity.join() === at(other, late).identity.join()).toBe(isSame);
      }),
    );
  });
});
