// Every provider tells which of its words nobody knows: types above all, and nothing if it knows them all.

import { describe, expect, it } from "vitest";
import { providers, type ParsedDelivery } from "../../src/providers/index.ts";
import { casesOf } from "../support/provider-cases.ts";

const ALL = Object.entries(providers).map(([key, provider]) => ({ key, provider, cases: casesOf(key) }));

/** Elements of types that a provider's table lists as ones for which there is no type here, by case. */
const LISTED: Readonly<Record<string, number>> = {
  "ses raw-complaint-kinds": 1, // not-spam withdraws a complaint
  "ses raw-subscriptions": 2, // subscriptions that change nothing
};

/** The elements with an event of the given type, and those of them for which a word is noted. */
function elementsOf({ events, unknown = [] }: ParsedDelivery): { unknown: Set<number>; noted: Set<number> } {
  return {
    unknown: new Set(events.filter(({ type }) => type === "unknown").map(({ element }) => element)),
    noted: new Set(
      unknown.filter(({ kind }) => kind !== "time" && kind !== "shape").map(({ element }) => element),
    ),
  };
}

describe.each(ALL)("$key", ({ provider, cases }) => {
  it("notes a word for each element whose events are of unknown type, unless its table lists that type", () => {
    for (const { name, delivery } of cases) {
      const { unknown, noted } = elementsOf(provider.parse(delivery));
      const silent = [...unknown].filter((element) => !noted.has(element)).length;
      expect(silent, name).toBe(LISTED[`${provider.id} ${name}`] ?? 0);
    }
    expect(cases.some(({ delivery }) => elementsOf(provider.parse(delivery)).noted.size > 0)).toBe(true);
  });

  it("notes no words of events whose types and reasons it reads, and stores none with an address", () => {
    for (const { name, delivery } of cases) {
      const parsed = provider.parse(delivery);
      for (const { kind, word } of parsed.unknown ?? []) {
        expect(word, name).not.toContain("@");
        expect(word.length, name).toBeLessThanOrEqual(64);
        expect(["type", "reason", "time", "shape"], name).toContain(kind);
      }
      const { unknown, noted } = elementsOf(parsed);
      const read = parsed.events.filter(
        ({ type, reason }) => type !== "unknown" && reason !== "other" && reason !== null,
      );
      const falsely = read.filter(({ element }) => noted.has(element) && !unknown.has(element));
      expect(
        falsely.filter(({ smtp, description }) => smtp === null && description === null),
        name,
      ).toEqual([]);
    }
  });
});
