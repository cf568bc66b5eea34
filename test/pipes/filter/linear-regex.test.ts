// Patterns: they match what JavaScript's own match, and take linear time.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compilePattern, matchesPattern } from "../../../src/pipes/filter/linear-regex.ts";

describe("patterns", () => {
  const atom = fc.constantFrom(
    "a",
    "b",
    "1",
    " ",
    ".",
    "\\d",
    "\\w",
    "\\W",
    "\\.",
    "[ab]",
    "[^a]",
    "[a-c1]",
    "[^\\d]",
    "^",
    "$",
    "\\b",
    "\\B",
  );
  const pattern = fc.letrec<{ all: string; part: string }>((tie) => ({
    part: fc.oneof(
      { depthSize: "small" },
      fc.tuple(atom, fc.constantFrom("", "", "")).map(([one]) => one),
      fc
        .tuple(tie("all"), fc.constantFrom("", "*", "+", "?", "{2}", "{0,2}", "{1,}", "*?", "+?"))
        .map(([inner, often]) => `(?:${inner})${often}`),
      fc.tuple(tie("all"), tie("all")).map(([a, b]) => `(${a}|${b})`),
    ),
    all: fc.array(tie("part"), { maxLength: 3 }).map((parts) => parts.join("")),
  })).all;
  const subject = fc.string({
    unit: fc.constantFrom("a", "b", "c", "1", " ", "\n", ".", "ä", "😀"),
    maxLength: 8,
  });

  it("match what JavaScript's own match", () => {
    fc.assert(
      fc.property(pattern, fc.array(subject, { minLength: 1, maxLength: 8 }), (source, texts) => {
        const compiled = compilePattern(source);
        if (!compiled.ok) throw new Error(`${source}: ${compiled.reason}`);
        for (const text of texts)
          expect(matchesPattern(compiled.value, text), `/${source}/ of ${JSON.stringify(text)}`).toBe(
            new RegExp(source, "u").test(text),
          );
      }),
      { numRuns: 3_000 },
    );
  });

  it.each([
    ["(?i)straße|ÄB", "xäb", true],
    ["(?i)[a-c]x", "BX", true],
    ["^a.b$", "a\nb", false],
    ["(?s)^a.b$", "a\nb", true],
    ["(?m)^b$", "a\nb\nc", true],
    ["\\Ab", "a\nb", false],
    ["\\x41\\x{1F600}", "A😀", true],
    ["a{,2}", "a{,2}", true],
    ["[]a]", "]", true],
    ["[a-]", "-", true],
    ["(?P<name>a)(?<other>b)", "ab", true],
    ["@(gmail|googlemail)\\.com$", "ann@googlemail.com", true],
    ["^https://[^/]+/unsubscribe", "https://x.example/unsubscribe?a", true],
  ])("%s", (source, text, expected) => {
    const compiled = compilePattern(source);
    expect(compiled.ok && matchesPattern(compiled.value, text)).toBe(expected);
  });

  it.each([
    "(",
    ")",
    "[",
    "a**",
    "*a",
    "\\",
    "\\p{L}",
    "(?<=a)",
    "[b-a]",
    "a{3,2}",
    "a{2000}",
    "((a{100}){100}){100}",
    "((){1000}){1000}",
    "[[:alpha:]]",
    `${"(".repeat(60)}${")".repeat(60)}`,
    "\\x{110000}",
  ])("refuse %s", (source) => {
    const compiled = compilePattern(source);
    expect(compiled.ok ? "" : compiled.reason).not.toBe("");
  });

  it("whatever is written, nothing throws", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...Array.from("ab(|)[]{}*+?^$\\.-,1dwx:<>P=i😀")), maxLength: 20 }),
        (source) => {
          const compiled = compilePattern(source);
          if (compiled.ok) matchesPattern(compiled.value, "abab1");
        },
      ),
      { numRuns: 3_000 },
    );
  });
});
