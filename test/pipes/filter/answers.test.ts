// The answers of filters, compared with those of the same expression in JavaScript.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileFilter, evaluate } from "../../../src/pipes/filter/filter.ts";
import { at, LOOKUPS, type Fields } from "./samples.ts";

/** An expression and what it means, said again in JavaScript. */
interface Both {
  cel: string;
  js: (event: Fields) => boolean;
}

describe("answers", () => {
  const quote = (value: unknown) => JSON.stringify(value);
  const word = fc.constantFrom("opened", "bounced", "hard", "welcome", "a", "vip", "");
  const nullable = fc.constantFrom("bounce", "campaign", "description", "contact");
  const of = (cel: string, js: (event: Fields) => boolean): Both => ({ cel, js });
  const comparisons: Record<string, (a: number, b: number) => boolean> = {
    "<": (a, b) => a < b,
    "<=": (a, b) => a <= b,
    ">": (a, b) => a > b,
    ">=": (a, b) => a >= b,
    "==": (a, b) => a === b,
    "!=": (a, b) => a !== b,
  };
  const order = fc.constantFrom("<", "<=", ">", ">=");
  const compare = (op: string, a: number, b: number) => comparisons[op]?.(a, b) ?? false;
  const small = fc.integer({ min: -3, max: 600 });
  const ms = (value: unknown) => Date.parse(String(value));

  const simple: fc.Arbitrary<Both> = fc.oneof(
    fc
      .tuple(
        fc.oneof(nullable, fc.constant("type")),
        fc.constantFrom("==", "!="),
        fc.oneof(word, fc.constant(null)),
      )
      .filter(([name, , value]) => name !== "type" || value !== null)
      .map(([name, op, value]) =>
        of(`${name} ${op} ${quote(value)}`, (event) => (event[name] === value) === (op === "==")),
      ),
    fc
      .tuple(fc.oneof(nullable, fc.constant("type")), fc.array(word, { minLength: 1, maxLength: 4 }))
      .map(([name, list]) =>
        of(`${name} in ${quote(list)}`, (event) => list.some((one) => one === event[name])),
      ),
    fc
      .tuple(nullable, fc.constantFrom("startsWith", "endsWith", "contains"), word)
      .map(([name, method, value]) =>
        of(`${name}.${method}(${quote(value)})`, (event) => {
          const own = event[name];
          if (typeof own !== "string") return false;
          return method === "contains"
            ? own.includes(value)
            : method === "endsWith"
              ? own.endsWith(value)
              : own.startsWith(value);
        }),
      ),
    fc.tuple(order, small).map(([op, n]) =>
      of(`smtp.code ${op} ${n}`, (event) => {
        const code = (event["smtp"] as { code: number | null } | null)?.code ?? null;
        return code !== null && compare(op, code, n);
      }),
    ),
    fc.constantFrom(of("smtp == null", (event) => event["smtp"] === null)),
    fc
      .tuple(fc.oneof(order, fc.constantFrom("==", "!=")), small)
      .map(([op, n]) => of(`seq ${op} ${n}`, (event) => compare(op, Number(event["seq"]), n))),
    fc
      .tuple(order, fc.integer({ min: -5, max: 5 }))
      .map(([op, n]) =>
        of(`received_at - occurred_at ${op} duration("${n}s")`, (event) =>
          compare(op, ms(event["received_at"]) - ms(event["occurred_at"]), n * 1000),
        ),
      ),
    fc.constantFrom(
      of("machine == true", (event) => event["machine"] === true),
      of("machine != true", (event) => event["machine"] !== true),
      of(
        "human",
        (event) => event["machine"] !== true || !["opened", "clicked"].includes(String(event["type"])),
      ),
    ),
    fc.tuple(fc.constantFrom("exists", "all", "exists_one"), word).map(([macro, value]) =>
      of(`tags.${macro}(tag, tag == ${quote(value)})`, (event) => {
        const found = (event["tags"] as string[]).map((tag) => tag === value);
        const n = found.filter(Boolean).length;
        return macro === "exists" ? n > 0 : macro === "all" ? n === found.length : n === 1;
      }),
    ),
    fc.tuple(order, small).map(([op, n]) =>
      of(`has(metadata.n) && metadata.n ${op} ${n}`, (event) => {
        const own = (event["metadata"] as { n?: number }).n;
        return own !== undefined && compare(op, own, n);
      }),
    ),
  );
  const expression = fc.letrec<{ any: Both }>((tie) => ({
    any: fc.oneof(
      { depthSize: "medium" },
      simple,
      fc
        .tuple(tie("any"), tie("any"))
        .map(([a, b]) => of(`(${a.cel}) && (${b.cel})`, (event) => a.js(event) && b.js(event))),
      fc
        .tuple(tie("any"), tie("any"))
        .map(([a, b]) => of(`(${a.cel})\n|| (${b.cel})`, (event) => a.js(event) || b.js(event))),
      tie("any").map((a) => of(`!(${a.cel})`, (event) => !a.js(event))),
      fc
        .tuple(tie("any"), tie("any"), tie("any"))
        .map(([a, b, c]) =>
          of(`((${a.cel}) ? (${b.cel}) : (${c.cel}))`, (event) => (a.js(event) ? b.js(event) : c.js(event))),
        ),
    ),
  })).any;
  const time = fc.integer({ min: at - 5_000, max: at + 5_000 }).map((n) => new Date(n).toISOString());
  const event = fc.record({
    type: fc.constantFrom("opened", "clicked", "bounced", "delivered"),
    seq: small,
    contact: fc.constantFrom("a@example.com", "vip@gmail.com"),
    bounce: fc.constantFrom("hard", "soft", null),
    campaign: fc.oneof(word, fc.constant(null)),
    description: fc.oneof(word, fc.constant(null)),
    smtp: fc.option(
      fc.record({ code: fc.option(small), enhanced: fc.constant("5.1.1"), response: fc.constant(null) }),
    ),
    machine: fc.constantFrom(true, false, null),
    tags: fc.array(word, { maxLength: 3 }),
    metadata: fc.record({ n: fc.oneof(small, fc.double({ noNaN: true })) }, { requiredKeys: [] }),
    occurred_at: time,
    received_at: time,
  });

  it("are those of the same expression in JavaScript", () => {
    const seen = { true: 0, false: 0 };
    fc.assert(
      fc.property(expression, fc.array(event, { minLength: 4, maxLength: 4 }), ({ cel, js }, events) => {
        const filter = compileFilter(cel);
        if (!filter.ok) {
          expect(filter.reason).toMatch(/exceeded max|longer than/);
          return;
        }
        for (const one of events) {
          const expected = js(one);
          seen[`${expected}`]++;
          expect(evaluate(filter.value, one, LOOKUPS), cel).toEqual({ ok: true, value: expected });
        }
      }),
      { numRuns: 2_000 },
    );
    expect(Math.min(seen.true, seen.false)).toBeGreaterThan(500);
  });
});
