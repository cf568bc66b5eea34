// Filters: what they mean, what they refuse when saved, that they neither throw nor hang, and what they look up.

import { env } from "cloudflare:workers";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { decidingEvent } from "../../src/model/message.ts";
import { readLookups } from "../../src/pipes/filter/lookups.ts";
import { HIDDEN, hideWords } from "../../src/pipes/filter/reserved-words.ts";
import { compileFilter, evaluate, type Lookups, type Filter } from "../../src/pipes/filter/filter.ts";
import { compilePattern, matchesPattern } from "../../src/pipes/filter/linear-regex.ts";
import { hashOf } from "../../src/store/erasure/erased.ts";
import { listEvents } from "../../src/store/events/events.ts";
import { checkContacts } from "../../src/store/suppressions/suppressions.ts";
import {
  deliver,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  read,
  rows,
} from "../support/support.ts";

type Fields = Record<string, unknown>;

const OPENED: Fields = {
  id: "3fj0dm8c01k5gqfp8w7h2m4n6q8s0tvwxy",
  seq: 7,
  source: "eu",
  provider: "mailjet",
  type: "opened",
  contact: "ann@gmail.com",
  message_id: "1152921521234567890",
  occurred_at: "2026-11-21T09:30:00.000Z",
  received_at: "2026-11-21T09:30:01.000Z",
  bounce: null,
  reason: null,
  description: null,
  smtp: null,
  campaign: "welcome",
  custom_id: null,
  tags: ["spring", "vip"],
  metadata: { plan: "pro", order: { total: 120.5 }, items: [1, 2], constructor: "c", none: null },
  url: null,
  ip: "203.0.113.9",
  geo: "DE",
  user_agent: "Mozilla/5.0 (iPhone)",
  machine: false,
};
const BOUNCED: Fields = {
  ...OPENED,
  type: "bounced",
  contact: "bob@example.com",
  bounce: "hard",
  reason: "invalid",
  description: "550 5.1.1 No such user",
  smtp: { code: 550, enhanced: "5.1.1", response: "No such user" },
  campaign: null,
  tags: [],
  metadata: {},
  machine: null,
};
const PAUSED: Fields = {
  type: "pipe.paused",
  id: "x",
  contact: null,
  occurred_at: "2026-11-21T09:30:00.000Z",
  data: { pipe: "crm" },
};

const at = Date.parse("2026-11-21T09:30:00.000Z");
const HOUR = 3_600_000;
const FACTS: Lookups = {
  message: { sent_at: at - 2 * HOUR, delivered_at: null, status: "opened" },
  suppression: null,
};

function compiled(text: string): Filter {
  const filter = compileFilter(text);
  if (!filter.ok) throw new Error(`${text}: ${filter.reason}`);
  return filter.value;
}

function ask(text: string, event: Fields, facts: Lookups = FACTS): boolean | string {
  const answer = evaluate(compiled(text), event, facts);
  return answer.ok ? answer.value : answer.reason;
}

function refusal(text: string): string {
  const filter = compileFilter(text);
  return filter.ok ? "" : filter.reason;
}

describe("what a filter means", () => {
  it.each<[filter: string, opened: boolean | string, bounced: boolean | string, paused: boolean | string]>([
    ['type in ["opened"] && occurred_at - message.sent_at < duration("24h")', true, false, false],
    ['type == "bounced" && bounce == "hard"', false, true, false],
    ["machine != true", true, true, true],
    ["machine == false", true, false, false],
    ["human", true, true, true],
    ['campaign == "welcome"', true, false, false],
    ['"welcome" == campaign', true, false, false],
    ["campaign == null", false, true, true],
    ["null != campaign", true, false, false],
    ['campaign.startsWith("wel")', true, false, false],
    ['campaign in ["welcome", "offer"]', true, false, false],
    ['description.contains("5.1.1")', false, true, false],
    ['!(user_agent.matches("(?i)iphone|android"))', false, false, true],
    ["smtp == null", true, false, true],
    ["smtp.code >= 500 && smtp.code < 600", false, true, false],
    ["smtp.code in [550, 551]", false, true, false],
    ['smtp.enhanced == "5.1.1"', false, true, false],
    ['destination == "gmail"', true, false, false],
    ['destination == ""', false, false, true],
    ['tags.exists(tag, tag == "vip")', true, false, false],
    ['tags.exists(type, type == "vip") || type == "pipe.paused"', true, false, true],
    ['"spring" in tags', true, false, false],
    ["size(tags) == 2", true, false, false],
    [
      "has(metadata.items) && metadata.items.exists(x, x == 2) && metadata.items.all(x, x < 3)",
      true,
      false,
      false,
    ],
    ["has(metadata.items) && metadata.items.exists(x, x == metadata.items[1])", true, false, false],
    ['metadata.all(key, key.matches("^[a-z]+$"))', true, true, true],
    ['has(metadata.plan) && metadata.plan == "pro"', true, false, false],
    ['"order" in metadata && metadata.order.total > 100', true, false, false],
    ['has(metadata.constructor) && metadata.constructor == "c"', true, false, false],
    ["has(metadata.none) && metadata.none < 5", false, false, false],
    [
      'metadata.plan == "pro"',
      true,
      "there is no plan here (line 1, column 10)",
      "there is no plan here (line 1, column 10)",
    ],
    ['type == "pipe.paused" && data.pipe == "crm"', false, false, true],
    ['source == "eu" && provider == "mailjet"', true, true, false],
    ["seq > 5", true, true, false],
    ["contact == null", false, false, true],
    ['occurred_at > message.sent_at + duration("1h")', true, true, true],
    ["has(metadata.order) && double(metadata.order.total) + 1.5 == 122.0", true, false, false],
    ['message.status == "opened"', true, true, true],
    ["message.delivered_at == null", true, true, true],
    ["message.delivered_at > message.sent_at", false, false, false],
    ["suppressed || suppression != null", false, false, false],
    ["suppression.reason == 'complaint'", false, false, false],
    ["occurred_at.getHours('Europe/Berlin') == 10", true, true, true],
    ['occurred_at > timestamp("2026-11-21T00:00:00Z")', true, true, true],
    ["received_at - occurred_at < duration('5s')", true, true, "cannot: null - timestamp"],
    ["type(contact) == string", true, true, false],
    ['id.size() > 3 ? geo == "DE" : true', true, true, true],
    ['// "type" \n type /* */ == "opened"', "unexpected", "", ""],
    ['type // type\n == "opened"', true, false, false],
  ])("%s", (filter, ...expected) => {
    if (expected[0] === "unexpected") return expect(refusal(filter)).toMatch(/unexpected token/);
    for (const [i, event] of [OPENED, BOUNCED, PAUSED].entries()) {
      const got = ask(filter, event);
      const wanted = expected[i];
      if (typeof wanted === "string" && wanted.startsWith("cannot")) expect(got).toMatch(/no such overload/);
      else expect(got, `${filter} of ${String(event["type"])}`).toBe(wanted);
    }
  });

  it("tells machines from people only among opens and clicks", () => {
    for (const type of ["opened", "clicked", "bounced"])
      for (const machine of [true, false, null])
        expect(ask("human", { ...OPENED, type, machine })).toBe(type === "bounced" || machine !== true);
  });

  it("asks for facts only where it needs them, and does not go without", () => {
    expect(compiled('type == "opened" || metadata.message == "suppressed"').needs).toEqual({
      message: false,
      suppression: false,
    });
    for (const [text, message, suppression] of [
      ["message.sent_at != null", true, false],
      ["suppressed", false, true],
      ['tags.all(t, suppression.reason != "manual")', false, true],
    ] as const) {
      const filter = compiled(text);
      expect(filter.needs).toEqual({ message, suppression });
      expect(evaluate(filter, OPENED, {}).ok).toBe(false);
    }
  });

  it("is not evaluated where it computes with null, with a reason that holds no address", () => {
    const unsent = { ...FACTS, message: { sent_at: null, delivered_at: null, status: "unknown" } } as const;
    expect(ask('type == "opened" && occurred_at - message.sent_at < duration("24h")', OPENED, unsent)).toBe(
      "no such overload: timestamp - null (line 1, column 21)",
    );
    for (const filter of [
      "metadata[contact] == 1",
      "bool(contact)",
      "duration(contact) > duration('1h')",
      "timestamp(contact) < occurred_at",
      "int(contact) > 3",
      "double(contact) > 3.0",
      "contact.substring(500) == ''",
      "occurred_at.getHours(contact) == 1",
      '["ann@gmail.com"][3] == contact',
      '{"a": 1}[contact] == 1',
      'metadata["ann@gmail.com"] == 1',
      "metadata.plan && true",
      "metadata.items.exists(x, x.y == 1)",
    ]) {
      const answer = ask(filter, OPENED);
      expect(typeof answer, filter).toBe("string");
      expect(answer, filter).not.toMatch(/ann@|gmail|\bpro\b/);
    }
  });
});

describe("what is refused when it is saved", () => {
  it.each([
    ["", /must not be empty/],
    ["x".repeat(4_001), /longer than 4000/],
    ['type == "opened', /unterminated string \(line 1, column 9\)/],
    ['type == "opened" &&', /unexpected token: the end of the filter \(line 1, column 20\)/],
    ['(type == "opened"', /expected "\)" but found the end of the filter/],
    ['typ == "opened"', /unknown name: typ \(line 1, column 1\)/],
    [`type == "opened" &&\n  _ty_ == "x"`, /unknown name: _ty_/],
    ['url._match_("a")', /unknown name: _match_/],
    ["smtp.cod == 550", /unknown field: cod/],
    ["message.sentat != null", /unknown field: sentat/],
    ["type", /must be true or false, but is a string/],
    ["machine", /may be null: write machine == true/],
    ["metadata.flag", /compare it with something/],
    ["type == 5", /no such overload: string == int/],
    ["bounce == 5", /can never be equal: string and int \(line 1, column 1\)/],
    ["bounce < 5", /no such overload: string < int/],
    ["occurred_at - message.sent_at < 24", /no such overload: duration < int/],
    ['occurred_at - message.sent_at < duration("24x")', /is not a duration.*\(line 1, column 42\)/],
    ['occurred_at > timestamp("2026-13-01T00:00:00Z")', /is not a time, such as/],
    ['occurred_at.getHours("Mars/Olympus") == 1', /is not a time zone/],
    ["has(smtp.code)", /is always so/],
    ["fetch('x') == 1", /found no matching overload for 'fetch/],
    ["url.type('x')", /found no matching overload/],
    ['url.split("").size() > 3', /unknown function: split/],
    ['cel.bind(a, "x", a == "x")', /unknown (name|function)/],
    ["google == google", /unknown name: google/],
    ['url + "x" == "y"', /cannot put texts or lists together/],
    ["size(tags + tags) > 3", /cannot put texts or lists together/],
    ["metadata.a + metadata.b > 3", /must know what it adds/],
    ['url.matches("(a")', /is not a pattern.*has a "\(" without/],
    ['url.matches("(a)\\\\1")', /may not hold "\\1"/],
    ['url.matches("(?=a)")', /no other "\(\?"/],
    ["url.matches(geo)", /wants its pattern as a string/],
    ["tags.all(a, metadata.l.all(b, metadata.l.all(c, a == b)))", /too much work/],
    [
      `[${"1,".repeat(300)}].all(a, [${"1,".repeat(300)}].all(b, [${"1,".repeat(300)}].all(c, a == b)))`,
      /too much work/,
    ],
    ["metadata.l.map(x, metadata.s).exists(y, y.matches('(a?){60}b'))", /too much work/],
    [
      `[].all(x, x.matches('a')) && ${"metadata.s.matches('(a?){60}a{60}b') || ".repeat(80)} true`,
      /too much work/,
    ],
    ["[].all(x, metadata.l.all(a, metadata.l.all(b, a == b)))", /too much work/],
    ["metadata.l.map(x, metadata.l).all(tags, tags.all(t, t == 1))", /too much work/],
    ["metadata.l.map(x, metadata.l.map(y, y)) == []", /too much work/],
    [`${"!".repeat(3_990)}true`, /exceeded maxAstNodes/],
    [`${"(".repeat(1_990)}true${")".repeat(1_990)}`, /exceeded maxDepth/],
    ["a".repeat(4_000), /unknown name/],
  ])("%s", (filter, reason) => {
    expect(refusal(filter)).toMatch(reason);
  });

  it("names the place in the filter as it was written", () => {
    expect(refusal('type == "opened"\n  && type.size() == "x"')).toMatch(
      /no such overload: int == string \(line 2, column 6\)/,
    );
    expect(refusal("type.matches(3)")).toBe(
      "found no matching overload for 'string.matches(int)' (line 1, column 1)",
    );
  });
});

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
          evaluate(result.value, one, { ...FACTS });
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
        const own = compilePattern(source);
        if (!own.ok) throw new Error(`${source}: ${own.reason}`);
        for (const one of texts)
          expect(matchesPattern(own.value, one), `/${source}/ of ${JSON.stringify(one)}`).toBe(
            new RegExp(source, "u").test(one),
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
    const own = compilePattern(source);
    expect(own.ok && matchesPattern(own.value, text)).toBe(expected);
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
    const own = compilePattern(source);
    expect(own.ok ? "" : own.reason).not.toBe("");
  });

  it("whatever is written, nothing throws", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...Array.from("ab(|)[]{}*+?^$\\.-,1dwx:<>P=i😀")), maxLength: 20 }),
        (source) => {
          const own = compilePattern(source);
          if (own.ok) matchesPattern(own.value, "abab1");
        },
      ),
      { numRuns: 3_000 },
    );
  });
});

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
          expect(evaluate(filter.value, one, FACTS), cel).toEqual({ ok: true, value: expected });
        }
      }),
      { numRuns: 2_000 },
    );
    expect(Math.min(seen.true, seen.false)).toBeGreaterThan(500);
  });
});

describe("with what is stored", () => {
  beforeEach(freshStorage);
  const NOW = 1_790_000_000;

  const store = async (...events: Fields[]) => {
    const posts = events.map((one) => mailjetPost(JSON.stringify([mailjetEvent(one)])));
    await deliver(await messagesOf(...posts));
    const answer = await read("/v1/events?limit=1000");
    return (await answer.json<{ events: Fields[] }>()).events;
  };

  /** The database, with what is asked of it noted. */
  function watched() {
    const asked: string[] = [];
    const trips: number[] = [];
    const db = {
      prepare: (sql: string) => (asked.push(sql), env.DB.prepare(sql)),
      batch: async <T>(statements: D1PreparedStatement[]) => {
        trips.push(statements.length);
        return await env.DB.batch<T>(statements);
      },
    };
    return { db, asked, trips };
  }

  it("selects the opens within a day of sending, for the discount", async () => {
    const mail = (email: string, MessageID: number) => ({ email, MessageID });
    const events = await store(
      { ...mail("soon@example.com", 1), event: "sent", time: NOW },
      { ...mail("late@example.com", 2), event: "sent", time: NOW },
      { ...mail("both@example.com", 3), event: "sent", time: NOW },
      { ...mail("both@example.com", 4), event: "sent", time: NOW + 40 * 3600 },
      { ...mail("soon@example.com", 1), event: "open", time: NOW + 3600 },
      { ...mail("late@example.com", 2), event: "open", time: NOW + 25 * 3600 },
      { ...mail("both@example.com", 3), event: "open", time: NOW + 41 * 3600 },
      { ...mail("both@example.com", 4), event: "open", time: NOW + 41 * 3600 },
      { ...mail("soon@example.com", 1), event: "click", time: NOW + 3600 },
    );
    expect(events).toHaveLength(9);
    const filter = compiled('type in ["opened"] && occurred_at - message.sent_at < duration("24h")');
    const facts = await readLookups(env.DB, env.BUCKET, events, filter.needs);
    const chosen = events.filter((one, i) => {
      const answer = evaluate(filter, one, facts[i]);
      return answer.ok && answer.value;
    });
    expect(
      chosen.map(({ contact, message_id }) => `${String(contact)} ${String(message_id)}`).sort(),
    ).toEqual(["both@example.com 4", "soon@example.com 1"]);
  });

  it("finds each message's times and status as its events have them, in one round trip", async () => {
    const types = ["sent", "open", "click", "bounce", "spam", "blocked", "unsub"];
    const draw = fc.sample(
      fc.record({
        event: fc.constantFrom(...types),
        email: fc.constantFrom("a@example.com", "b@example.com", "c@gmail.com"),
        MessageID: fc.constantFrom(1, 2, 3, 4),
        time: fc.integer({ min: NOW, max: NOW + 5 }),
        hard_bounce: fc.boolean(),
        blocked: fc.constant(false),
      }),
      { numRuns: 120, seed: 6 },
    );
    const events = await store(...draw);
    const stored = (await listEvents(env.DB, { order: "asc", limit: 1000 })).events;
    expect(stored.length).toBeGreaterThan(60);
    const { db, asked, trips } = watched();
    const facts = await readLookups(
      db,
      env.BUCKET,
      [...events, { contact: "a@example.com", message_id: null }],
      {
        message: true,
        suppression: true,
      },
    );
    expect(trips).toEqual([2]);
    expect(asked).toHaveLength(2);
    expect(facts.at(-1)?.message).toEqual({ sent_at: null, delivered_at: null, status: "unknown" });
    for (const [i, one] of events.entries()) {
      const own = stored.filter(
        ({ contact, message_id }) => contact === one["contact"] && message_id === one["message_id"],
      );
      const first = (some: typeof own) =>
        some.length > 0 ? Math.min(...some.map(({ occurred_at }) => occurred_at)) : null;
      const sent = own.filter(({ type }) => type === "sent" || type === "queued");
      expect(facts[i]?.message).toEqual({
        sent_at: first(sent) ?? first(own),
        delivered_at: first(own.filter(({ type }) => type === "delivered")),
        status: decidingEvent(own)?.type,
      });
    }
    const contacts = [...new Set(stored.map(({ contact }) => contact))];
    const checked = await checkContacts(env.DB, env.BUCKET, contacts, "");
    expect(checked.size).toBeGreaterThan(0);
    for (const [i, one] of events.entries())
      expect(facts[i]?.suppression).toEqual(checked.get(String(one["contact"])) ?? null);
  });

  it("knows who is suppressed now, also who was erased, and asks for nothing that no filter needs", async () => {
    const events = await store(
      { event: "unsub", email: "gone@example.com", time: NOW },
      { event: "open", email: "stays@example.com", time: NOW },
      { event: "open", email: "erased@example.com", time: NOW },
    );
    const hash = await hashOf(env.BUCKET, "erased@example.com");
    await env.DB.prepare("INSERT INTO erased (hash, reason, since) VALUES (?1, 'complaint', ?2)")
      .bind(hash, NOW * 1000)
      .run();
    const { db, asked, trips } = watched();
    const about = [...events, { contact: null, type: "pipe.paused" }];
    expect(await readLookups(db, env.BUCKET, about, { message: false, suppression: false })).toEqual(
      about.map(() => ({})),
    );
    expect(
      await readLookups(db, env.BUCKET, [{}, { contact: null }], { message: true, suppression: true }),
    ).toHaveLength(2);
    expect(asked).toEqual([]);
    const filter = compiled(
      'suppressed && suppression.reason in ["unsubscribed", "complaint"] && suppression.since <= occurred_at',
    );
    const facts = await readLookups(db, env.BUCKET, about, filter.needs);
    expect(trips).toEqual([2]);
    const answers = about.map((one, i) => evaluate(filter, { occurred_at: NOW * 1000, ...one }, facts[i]));
    expect(about.map(({ contact }, i) => [contact, answers[i]])).toEqual([
      ["gone@example.com", { ok: true, value: true }],
      ["stays@example.com", { ok: true, value: false }],
      ["erased@example.com", { ok: true, value: true }],
      [null, { ok: true, value: false }],
    ]);
    await expect(
      readLookups(
        db,
        env.BUCKET,
        Array.from({ length: 1_001 }, () => ({})),
        filter.needs,
      ),
    ).rejects.toThrow("more than 1000");
  });

  it("reads contacts' own parts of the indexes alone, however full the tables are", async () => {
    await hashOf(env.BUCKET, "a@example.com");
    const { db, asked } = watched();
    const slice = Array.from({ length: 1_000 }, (_, i) => ({
      contact: `c${i}@example.com`,
      message_id: `m${i}`,
    }));
    await readLookups(db, env.BUCKET, slice, { message: true, suppression: true });
    expect(asked).toHaveLength(3);
    for (const sql of asked) {
      const plan = await rows<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql.replaceAll(/\?\d/g, "'[]'")}`);
      const steps = plan.map(({ detail }) => detail);
      expect(steps.join("\n"), sql).toMatch(/SEARCH (e|s) USING/);
      for (const detail of steps.filter((step) => !step.includes("VIRTUAL TABLE")))
        expect(detail, sql).not.toMatch(/^SCAN/);
    }
  });
});
