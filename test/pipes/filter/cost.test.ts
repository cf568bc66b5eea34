// No filter throws or hangs, whatever it is written like and whatever event it meets.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileFilter, evaluate } from "../../../src/pipes/filter/filter.ts";
import { ask, BOUNCED, LOOKUPS, type Fields, OPENED, PAUSED } from "./samples.ts";

describe("safety", () => {
  const PIECES = [
    "type matches has( metadata message.sent_at tags .exists(x, x ( ) [ ] { } ' r' b' == < && || ! ? : + -",
    `\n // in null true 1 1.5 0x 1u duration("1h") . , smtp null.matches( __proto__ \\ " """ r""" tags.all(`,
  ].flatMap((all) => all.split(" "));
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 60 }),
    fc
      .array(fc.oneof(fc.constantFrom(...PIECES), fc.string({ maxLength: 2 })), { maxLength: 25 })
      .map((all) => all.join(" ")),
    fc.array(fc.constantFrom(...PIECES), { maxLength: 25 }).map((all) => all.join("")),
  );

  it("whatever is asked for, nothing throws, and every refusal has words", () => {
    fc.assert(
      fc.property(text, fc.object(), (filter, event) => {
        const result = compileFilter(filter);
        if (!result.ok)
          return (result.reason.length > 0 && !/_ty_|_match_/.test(result.reason)) || filter.includes("_");
        for (const one of [OPENED, BOUNCED, PAUSED, event as Fields])
          evaluate(result.value, one, { ...LOOKUPS });
        return true;
      }),
      { numRuns: 3_000 },
    );
  });

  it("no pattern hangs", () => {
    const evil = `${"a".repeat(2_000)}!`;
    const start = Date.now();
    for (const pattern of [
      "(a+)+$",
      "^(a|a)*$",
      "(a*)*b",
      "a*a*a*a*a*a*a*a*b",
      "(.*a){20}$",
      "(a?){200}a{200}$",
    ])
      expect(ask(`url.matches("${pattern}")`, { ...OPENED, url: evil }), pattern).toBe(false);
    expect(Date.now() - start).toBeLessThan(2_000);
  });

  it("the most work that is let through takes less than a second or so", () => {
    const event = {
      ...OPENED,
      metadata: { l: Array.from({ length: 4_000 }, () => 1), s: "a".repeat(8_000) },
    };
    /** The longest of ever more of something that is not refused. */
    const most = (write: (n: number) => string) => {
      let n = 1;
      while (n < 1_000 && compileFilter(write(n + 1)).ok) n++;
      return write(n);
    };
    const shapes = [
      (n: number) => `metadata.l.all(a, [${"2,".repeat(n)}1].exists(b, b == a))`,
      (n: number) => `metadata.l.all(a, a in [${"2,".repeat(n)}1])`,
      (n: number) =>
        Array.from({ length: n }, () => "metadata.l.all(a, metadata.s.contains('b') == false)").join("&&"),
      (n: number) =>
        Array.from({ length: n }, () => "metadata.s.matches('(a?){60}a{60}b') == false").join("&&"),
      (n: number) => `metadata.l.map(a, [${"2,".repeat(n)}1]).size() == 4000`,
      (n: number) => Array.from({ length: n }, () => "metadata.l == metadata.l.filter(a, a == 1)").join("&&"),
      (n: number) => Array.from({ length: n }, () => "occurred_at.getHours('UTC') == 9").join("&&"),
      (n: number) => `${"!!".repeat(n)}true`,
    ];
    for (const shape of shapes) {
      const filter = most(shape);
      const start = Date.now();
      expect(ask(filter, event), filter).toBe(true);
      const took = Date.now() - start;
      expect(took, filter.slice(0, 80)).toBeLessThan(2_000);
    }
  });
});
