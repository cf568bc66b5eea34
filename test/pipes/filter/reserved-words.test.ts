// Names of event fields that CEL reserves are hidden from its parser, and nothing else in a filter changes.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HIDDEN, hideWords } from "../../../src/pipes/filter/reserved-words.ts";
import { ask, OPENED } from "./samples.ts";

describe("hidden words", () => {
  const quoted = fc
    .tuple(
      fc.constantFrom("", "r", "R", "b", "B"),
      fc.constantFrom('"', "'", '"""', "'''"),
      fc.array(
        fc.constantFrom(
          "type",
          ".matches(",
          " ",
          "'",
          '"',
          "\\",
          '\\"',
          "\\'",
          "\\\\",
          "//",
          "\n",
          "x",
          "(",
          "_",
        ),
        { maxLength: 12 },
      ),
    )
    .map(([prefix, quote, parts]) => {
      // What would end the string early is left out.
      let inner = parts.join("");
      if (quote.length === 1)
        inner = inner.replaceAll(/\\[^]|\\$|[\n"']/g, (part) =>
          part.length === 2 && part[1] !== "\n" ? part : "",
        );
      else inner = inner.replaceAll(/\\[^]|\\$|["']/g, (part) => (part.length === 2 ? part : ""));
      return prefix + quote + inner + quote;
    });
  const code = fc.constantFrom(
    ..."type|x.type|x . type|type(x)|type (x)|type//type\n(x)|types|_type|x.matches('a')".split("|"),
    ..."matches|x.matches|{type: 1}|//type 'x\n|1type|==| |,|x.//\ntype".split("|"),
  );

  it("leave strings, comments, members and calls as they are, and every place where it was", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(code, quoted), { maxLength: 6 }), (parts) => {
        const text = parts.map(([words, string]) => `${words} ${string} `).join("");
        const hidden = hideWords(text);
        if (!hidden.ok) throw new Error(hidden.reason);
        expect(hidden.value).toHaveLength(text.length);
        let place = 0;
        for (const [words, string] of parts) {
          place += words.length + 1;
          expect(hidden.value.slice(place, place + string.length)).toBe(string);
          place += string.length + 1;
        }
        expect(hidden.value.replaceAll(HIDDEN.type, "type").replaceAll(HIDDEN.matches, "matches")).toBe(text);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ["type", "_ty_"],
    ["type == x.type", "_ty_ == x.type"],
    ["x.\n type", "x.\n type"],
    ["type(type)", "type(_ty_)"],
    ["type // a comment\n (x)", "type // a comment\n (x)"],
    ["{type: type}", "{_ty_: _ty_}"],
    ["types_type type2 Type", "types_type type2 Type"],
    ['"type" + type', '"type" + _ty_'],
    [`r"\\" type" type`, `r"\\" type" _ty_`],
    [`'''a'type'b''' type`, `'''a'type'b''' _ty_`],
    [`"" type ''type""""type"""`, `"" _ty_ ''_ty_""""type"""`],
    ["// type\ntype", "// type\n_ty_"],
    ["x.matches('matches')", "x._match_('matches')"],
    ["matches . matches ('x')", "matches . _match_ ('x')"],
    ["x.matches == 1", "x.matches == 1"],
  ])("%s", (text, expected) => {
    expect(hideWords(text)).toEqual({ ok: true, value: expected });
  });

  it("a string is read as CEL reads it, whatever stands in it", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...Array.from("type '\"\\n/._(")), maxLength: 20 }),
        (words) => {
          const literal = JSON.stringify(words);
          expect(
            ask(`description == ${literal} && type == "opened"`, { ...OPENED, description: words }),
          ).toBe(true);
        },
      ),
    );
  });
});
