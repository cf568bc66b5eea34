// CSV: what is written is read back, whatever it contains and however it arrives, and no cell is a formula.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { guarded, unguarded } from "../../src/lib/csv/formula.ts";
import { CsvError, recordsOf } from "../../src/lib/csv/read.ts";
import { csvLine } from "../../src/lib/csv/write.ts";

/** Texts of the characters that matter to CSV and to spreadsheets. */
const text = fc.string({
  unit: fc.constantFrom(..."'\"“`=+-@|\t\r\n,; ＝＋－＠a1é".split("")),
  maxLength: 8,
});

const FORM = { delimiter: ",", newline: "\n" } as const;

/** The text in pieces of this length. */
const cut = (whole: string, length: number): string[] =>
  Array.from({ length: Math.ceil(whole.length / length) }, (_, i) =>
    whole.slice(i * length, (i + 1) * length),
  );

describe("a text of an export", () => {
  it("comes back unchanged, and none begins like a formula", () => {
    fc.assert(
      fc.property(text, (one) => {
        const safe = guarded(one);
        expect(unguarded(safe)).toBe(one);
        expect(safe.replace(/^["\s]*(?<!')/, "")).not.toMatch(/^[=+\-@＝＋－＠]/);
        expect(unguarded(one) === one || guarded(unguarded(one)) === one).toBe(true);
      }),
    );
    for (const formula of ["=1+1", "+1", "-1", "@x", "\tx", "\rx", ' "=1', "＝1", "'=1", "\u201c=1"])
      expect(guarded(formula), formula).toBe(`'${formula}`);
    for (const plain of ["ann@example.com", "'tis", "a=b", "", "550 5.1.1"])
      expect(guarded(plain)).toBe(plain);
  });
});

describe("records", () => {
  it("are read as they were written, in pieces of any length, each with its line", () => {
    const table = fc.array(fc.array(text, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(table, fc.integer({ min: 1, max: 20 }), (all, length) => {
        const whole = all.map((values) => csvLine(values)).join("");
        const read = [...recordsOf(cut(whole, length), FORM)];
        // CRLF is read as a line feed, so that the last cell of a record may keep the return.
        const cells = read.map((record) => record.cells.map((cell) => cell.replace(/\r$/, "")));
        expect(cells).toEqual(all.map((values) => values.map((value) => guarded(value).replace(/\r$/, ""))));
        let line = 1;
        for (const [i, record] of read.entries()) {
          expect(record.line).toBe(line);
          line += (csvLine(all[i] ?? []).match(/\n/g) ?? []).length;
        }
      }),
    );
  });

  it("name the line of a quote that nothing closes, and give up on a record without an end", () => {
    const broken = (pieces: Iterable<string>): number | null => {
      try {
        for (const _ of recordsOf(pieces, FORM));
        return null;
      } catch (error) {
        if (error instanceof CsvError) return error.line;
        throw error;
      }
    };
    expect(broken(['a,b\n"x\ny",c\n"d'])).toBe(4);
    expect(
      broken([
        'a\n"x',
        ..."y"
          .repeat(12)
          .split("")
          .map((y) => y.repeat(50_000)),
      ]),
    ).toBe(2);
    expect(broken(['5" pipe,x\ny,z\n'])).toBeNull();
  });
});
