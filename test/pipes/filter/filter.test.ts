// What filters mean, and which are refused when they are saved.

import { describe, expect, it } from "vitest";
import { evaluate } from "../../../src/pipes/filter/filter.ts";
import { ask, BOUNCED, compiled, LOOKUPS, OPENED, PAUSED, refusal } from "./samples.ts";

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
    const unsent = { ...LOOKUPS, message: { sent_at: null, delivered_at: null, status: "unknown" } } as const;
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
