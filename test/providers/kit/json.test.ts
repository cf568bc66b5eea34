// JSON with integers that JavaScript's numbers cannot hold.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseExact } from "../../../src/providers/kit/json.ts";

describe("long integers", () => {
  const reference = (text: string): unknown =>
    JSON.parse(text, (_key, value, { source }) =>
      typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value) ? source : value,
    );
  const digits = fc.bigInt({ min: -(10n ** 22n), max: 10n ** 22n }).map(String);
  const tricky = fc.oneof(
    fc.string(),
    digits.map((d) => `:${d},`),
    digits.map((d) => `"a\\":${d}}`),
    fc.stringMatching(/^[\\":,[\]{}0-9 ]{0,40}$/),
  );

  it("keep their digits wherever they occur, and strings stay unchanged", () => {
    const leaf = fc.oneof(
      digits,
      tricky.map((text) => JSON.stringify(text)),
      fc.constantFrom("null", "true", "1.5"),
    );
    const { value } = fc.letrec<{ value: string }>((tie) => ({
      value: fc.oneof(
        { depthSize: "small" },
        leaf,
        fc.array(tie("value"), { maxLength: 5 }).map((items) => `[ ${items.join(" ,\n")} ]`),
        fc
          .array(fc.tuple(tricky, tie("value")), { maxLength: 5 })
          .map((entries) => `{${entries.map(([k, v]) => `${JSON.stringify(k)} :${v}`).join(",")}}`),
      ),
    }));
    fc.assert(
      fc.property(value, (text) => {
        expect(parseExact(`[${text}]`)).toEqual(reference(`[${text}]`));
      }),
      { numRuns: 2_000 },
    );
  });

  it("do not make malformed JSON readable", () => {
    for (const text of [
      "[012345678901234567890]",
      "[1 12345678901234567]",
      "{12345678901234567:1}",
      '{"a":1,12345678901234567}',
      '["\\":12345678901234567,',
    ]) {
      expect(() => parseExact(text), text).toThrow(SyntaxError);
    }
  });
});
