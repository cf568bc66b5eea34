// One person has one address, however it is written.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { normalizeAddress, readAddress } from "../../src/model/address.ts";

describe("an address", () => {
  it.each([
    ["  Ada@Example.COM ", "ada@example.com"],
    ["ada+tag@example.com", "ada+tag@example.com"],
    ["ad\u0061\u0308@example.com", "ad\u00e4@example.com"],
    ["ada@example.com.", "ada@example.com"],
    ["ada@localhost", "ada@localhost"],
    ["ada@[192.0.2.7]", "ada@[192.0.2.7]"],
    ["ada@[IPv6:2001:DB8::7]", "ada@[ipv6:2001:db8::7]"],
    ["ada@192.0.2.7", "ada@192.0.2.7"],
    ["ada@mail_host.example", "ada@mail_host.example"],
    ['"ada@home"@example.com', '"ada@home"@example.com'],
  ])("%j has the key %j", (given, key) => expect(normalizeAddress(given)).toBe(key));

  it.each([
    "ida@k\u00fcche.example",
    "ida@KU\u0308CHE.example",
    "Ida@xn--kche-0ra.example",
    "ida@XN--KCHE-0RA.EXAMPLE.",
    "ida@k\u00fcche\u3002example",
    "ida\uff20k\u00fcche.example",
    "ida@\uff4b\u00fcche.example",
    "i\u200bda@k\u00fc\u00adche.example",
    "\ufeffida@k\u00fcche.example",
    "\u202aida@k\u00fcche.example\u202c",
    "ida@k\u00fc\u200cche.example",
    "<ida@k\u00fcche.example>",
    "Ida <ida@k\u00fcche.example>",
    '"Kraus, Ida" <ida@k\u00fcche.example>',
    "Kraus, Ida <ida@k\u00fcche.example>",
    '"ida@k\u00fcche.example" <ida@k\u00fcche.example>',
    '"ida@k\u00fcche.example"',
    "'ida@k\u00fcche.example'",
    "\u201eida@k\u00fcche.example\u201c",
    '"ida"@k\u00fcche.example',
    "mailto:ida@k\u00fcche.example",
    "MAILTO:%69da@k%C3%BCche.example?subject=Hello",
    "<mailto:ida@xn--kche-0ra.example>",
    "rfc822; ida@xn--kche-0ra.example",
    "SMTP:ida@xn--kche-0ra.example",
    "ida@k\u00fcche.example;",
  ])("%j is one more spelling of the same person's", (given) =>
    expect(normalizeAddress(given)).toBe("ida@xn--kche-0ra.example"),
  );

  it("keeps a joiner that its domain cannot do without", () => {
    const apart = "\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.example";
    expect(normalizeAddress(`ida@${apart}`)).toMatch(/^ida@xn--\w+\.example$/);
    expect(normalizeAddress(`ida@${apart}`)).not.toBe(normalizeAddress(`ida@${apart.replace("\u200c", "")}`));
  });

  it("keeps a domain that IDNA refuses, in lower case", () => {
    expect(normalizeAddress("ida@\u0663.EXAMPLE1.7")).toBe("ida@\u0663.example1.7");
    expect(normalizeAddress("ida@a\u00fc%41.Example")).toBe("ida@a\u00fc%41.example");
  });

  it.each([
    ["ada", "is not an address"],
    ["ada@", "is not an address"],
    ["a da@example.com", "is not an address"],
    ["a\0@example.com", "is not an address"],
    ["a\ud800@example.com", "is not an address"],
    ["undisclosed-recipients:;", "is not an address"],
    ["", "is not an address"],
    ["@example.com", "names a whole domain and not one address"],
    ["*@example.com", "names a whole domain and not one address"],
    ["ada@*.example.com", "names a whole domain and not one address"],
    ["ada@example.com, bob@example.com", "names several addresses"],
    ["ada@example.com;bob@example.com", "names several addresses"],
    ["ada@example.com bob@example.com", "names several addresses"],
    ["Ada <ada@example.com>, Bob <bob@example.com>", "names several addresses"],
    ["ada@example.com, Bob <bob@example.com>", "names several addresses"],
    ["<ada@example.com>, bob@example.com", "names several addresses"],
    [`${"mailto:".repeat(9)}ada@example.com`, "is wrapped too often"],
  ])("%j %s", (given, reason) => expect(readAddress(given)).toEqual({ ok: false, reason }));
});

describe("a text that is too long for an address", () => {
  it.each([
    ["with many letters", `${"a".repeat(400)}@example.com`],
    ["with a very long name", `${"a".repeat(4_000)} <ada@example.com>`],
    ["with many marks on a letter", `a${"\u0301".repeat(40)}@example.com`],
    ["with a domain that is long in punycode", `a@${"\u00fc.".repeat(60)}example`],
  ])("is refused: one %s", (_, given) =>
    expect(readAddress(given)).toEqual({ ok: false, reason: "is too long" }),
  );
});

describe("whatever a text is,", () => {
  const pieces = [
    "ida",
    "\u0130",
    "\u03a3",
    "k\u00fcche",
    "u\u0308",
    "xn--kche-0ra",
    "xn--",
    "@",
    "\uff20",
    ".",
    "\u3002",
    "\u200b",
    "\u200c",
  ];
  const wraps = [
    "<",
    ">",
    '"',
    "'",
    "mailto:",
    "rfc822;",
    "%40",
    "%22",
    "%E2%80%8B",
    "?",
    ",",
    ";",
    " ",
    "*",
    "[",
    "]",
    "_",
    "\\",
  ];
  const texts = fc.oneof(
    fc.array(fc.constantFrom(...pieces, ...wraps), { maxLength: 12 }).map((all) => all.join("")),
    fc
      .tuple(fc.string({ unit: "binary", maxLength: 12 }), fc.string({ unit: "binary", maxLength: 12 }))
      .map((all) => all.join("@")),
    fc.tuple(fc.string({ unit: "grapheme", minLength: 1 }), fc.domain()).map((all) => all.join("@")),
  );

  it("its key has itself for a key", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const key = normalizeAddress(text);
        if (key !== null) expect(normalizeAddress(key)).toBe(key);
      }),
      { numRuns: 5_000 },
    );
  });

  it("a person's spellings have one key", () => {
    const person = fc.record({
      local: fc.stringMatching(/^[a-z\u00e4\u00f6\u0434][a-z0-9\u00e9\u0436+_-]{0,9}$/),
      domain: fc.stringMatching(/^[a-z\u00e4\u00f6\u0434][a-z0-9\u00e9\u0436]{1,9}$/),
      hidden: fc.constantFrom("", "\u200b", "\u200d", "\u00ad", "\ufeff", "\u2060", "\u200f"),
      at: fc.nat({ max: 5 }),
      wrap: fc.constantFrom(
        ["", ""],
        ["<", ">"],
        ["Ida K. <", ">"],
        ['"', '"'],
        ["mailto:", ""],
        ["<mailto:", ">"],
        [" ", "."],
      ),
      change: fc.constantFrom<(text: string) => string>(
        (text) => text,
        (text) => text.toUpperCase(),
        (text) => text.normalize("NFD"),
        (text) => new URL(`http://${text}`).hostname,
      ),
    });
    fc.assert(
      fc.property(person, ({ local, domain, hidden, at, wrap: [before = "", after = ""], change }) => {
        const plain = `${local}@${domain}.example`;
        const written = `${local.slice(0, at)}${hidden}${local.slice(at)}@${change(`${domain}.example`)}`;
        expect(normalizeAddress(`${before}${written}${after}`)).toBe(normalizeAddress(plain));
        expect(normalizeAddress(plain)).not.toBeNull();
      }),
      { numRuns: 2_000 },
    );
  });
});
