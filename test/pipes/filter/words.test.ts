// Filters that come out the same for every event are refused when they are saved, and say what was probably meant.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileFilter } from "../../../src/pipes/filter/filter.ts";
import { filterWords } from "../../../src/pipes/filter/words.ts";

const words = filterWords({ sources: ["eu-newsletter", "shop"], providers: ["mailjet", "mailgun"] });

/** Why a filter is refused when it is saved; an empty text if it is not. */
function refusal(text: string): string {
  const filter = compileFilter(text, words);
  return filter.ok ? "" : filter.reason;
}

describe("a word that its field never holds", () => {
  it.each<[filter: string, meant: string]>([
    ['type == "bounce"', "bounced"],
    ['"open" == type', "opened"],
    ['type != "spamreport"', "complained"],
    ['type in ["bounced", "hard_bounce"]', "bounced"],
    ['!(type in ["clicks"])', "clicked"],
    ['type == "contact.supressed"', "contact.suppressed"],
    ['bounce == "Hard"', "hard"],
    ['reason == "mailbox-full"', "mailbox_full"],
    ['destination == "Gmail"', "gmail"],
    ['destination == "gmail.com"', "gmail"],
    ['destination in ["outlook.com"]', "microsoft"],
    ['provider == "Mailgun"', "mailgun"],
    ['source == "eu_newsletter"', "eu-newsletter"],
    ['message.status == "open"', "opened"],
    ['human && (suppressed || suppression.reason == "hard bounce")', "hard_bounce"],
    ['type == "opened" ? bounce == "hardd" : true', "hard"],
    ['tags.exists(tag, tag == "vip" && type == "click")', "clicked"],
  ])("%s is refused and names %s", (filter, meant) => {
    expect(refusal(filter)).toContain(`Did you mean "${meant}"?`);
    expect(refusal(filter)).toMatch(/\(line 1, column \d+\)$/);
    expect(compileFilter(filter).ok).toBe(true); // a pipe that has it goes on
  });

  it.each([
    ['type.startsWith("Bounce")', "no type is so"],
    ['destination.endsWith(".com")', "no destination is so"],
    ['type.matches("^hard")', "no type is so"],
    ['contact == "Ann@Example.com"', '"ann@example.com"'],
    ['contact.endsWith("@Example.com")', '"@example.com"'],
    ["1 == 2", "true or false"],
    ["!true", "true or false"],
  ])("%s is refused: %s", (filter, said) => expect(refusal(filter)).toContain(said));

  it.each([
    'type.startsWith("contact.")',
    'type.matches("ed$")',
    'destination == ""',
    'source == "shop" && campaign == "Bounce"',
    'tags.exists(type, type == "bounce")',
    'metadata.type == "bounce"',
    'contact.matches("(?i)@Example[.]com$")',
    "bounce == null",
    " false ",
    "true",
  ])("%s is taken", (filter) => expect(refusal(filter)).toBe(""));

  it("holds for every field with words: each word is taken, and any other text is not", () => {
    const fields = [...words].map(([field, known]) => ({ field, known }));
    fc.assert(
      fc.property(fc.constantFrom(...fields), fc.string({ maxLength: 300 }), ({ field, known }, text) => {
        for (const word of known) expect(refusal(`${field} == ${JSON.stringify(word)}`)).toBe("");
        const literal = JSON.stringify(text.replaceAll(/[^ -~]|\\/g, "x"));
        const own: unknown = JSON.parse(literal);
        expect(refusal(`${field} != ${literal}`) === "").toBe(known.includes(String(own)));
      }),
      { numRuns: 60 },
    );
  });
});

describe("words of other languages", () => {
  it.each([
    ['type = "bounced"', "write == in place of =", 6],
    ['type != "opened" AND human', "write && in place of AND", 18],
    ['type != "opened" and human', "write && in place of and", 18],
    ['type == "opened" & human', "write && in place of &", 18],
    ['type == "opened" OR type == "clicked"', "write || in place of OR", 18],
    ['type == "opened" | human', "write || in place of |", 18],
    ["NOT human", "write ! in place of NOT", 1],
    ["not human", "write ! in place of not", 1],
    ['type <> "opened"', "write != in place of <>", 6],
    ['type === "opened"', "write == in place of ===", 6],
    ["campaign IS NULL", "write == in place of IS", 10],
    ['type IN ["opened"]', "write in in place of IN", 6],
    ['description LIKE "%x%"', "write contains", 13],
    ["machine == TRUE", "write true in place of TRUE", 12],
  ])("%s: %s", (filter, said, column) => {
    expect(refusal(filter)).toContain(said);
    expect(refusal(filter)).toContain(`(line 1, column ${column})`);
  });

  it("are left alone within texts and as names of their own", () => {
    expect(refusal('description == "this AND that = or <> not"')).toBe("");
    expect(refusal('tags.exists(and, and == "vip")')).toBe("");
    expect(refusal('description == "a AND b" && typ == "x"')).toContain("unknown name");
  });
});
