// Bodies of a person's own: what an expression becomes, what no event can break, and which templates are refused.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { renderTemplate } from "../../src/pipes/template/render.ts";
import { compileTemplate } from "../../src/pipes/template/template.ts";
import { BOUNCED, OPENED } from "./filter/samples.ts";

/** The body of an event, read back. */
function bodyOf(template: unknown, event: Record<string, unknown> = OPENED): unknown {
  const compiled = compileTemplate(template);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.reason));
  return JSON.parse(renderTemplate(compiled.value, event));
}

/** Why a template is refused. */
function mistakes(template: unknown): string {
  const compiled = compileTemplate(template);
  return compiled.ok
    ? ""
    : compiled.reason.map(({ path, reason }) => `${path.join(".")}: ${reason}`).join("; ");
}

describe("what a template becomes", () => {
  it.each<[template: unknown, body: unknown]>([
    ['{"text":"{{type}}"}', { text: "opened" }],
    [{ text: "{{ contact }} {{type}}!" }, { text: "ann@gmail.com opened!" }],
    [
      { n: "{{seq}}", text: "no. {{seq}}" },
      { n: 7, text: "no. 7" },
    ],
    [
      { tags: "{{tags}}", first: "{{tags[0]}}", text: "are {{tags}}" },
      { tags: ["spring", "vip"], first: "spring", text: 'are ["spring","vip"]' },
    ],
    [
      { at: "{{occurred_at}}", hour: "{{occurred_at.getHours()}}" },
      { at: "2026-11-21T09:30:00.000Z", hour: 9 },
    ],
    [
      { bounce: "{{bounce}}", text: "<{{bounce}}>" },
      { bounce: null, text: "<>" },
    ],
    [
      { plan: "{{metadata.plan}}", all: "{{metadata.order}}" },
      { plan: "pro", all: { total: 120.5 } },
    ],
    [
      { missing: "{{metadata.nothing}}", text: "({{metadata.nothing.at.all}})" },
      { missing: null, text: "()" },
    ],
    [
      { code: "{{smtp.code}}", smtp: "{{smtp}}" },
      { code: null, smtp: { code: null, enhanced: null, response: null } },
    ],
    [{ text: `{{ type == "opened" ? 'seen }} by' : "gone"}} {{destination}}` }, { text: "seen }} by gmail" }],
    [{ brace: '{{"{{"}}x' }, { brace: "{{x" }],
    [
      ["{{type}}", 1, true, null, { deep: ["{{human}}"] }],
      ["opened", 1, true, null, { deep: [true] }],
    ],
    ['"{{type}}"', "opened"],
    [{ fixed: "a } b { c" }, { fixed: "a } b { c" }],
    [
      { wait: "{{ received_at - occurred_at }}", none: "{{ 1 / 0 }}" },
      { wait: 1, none: null },
    ],
  ])("%j", (template, body) => {
    expect(bodyOf(template)).toEqual(body);
  });

  it("is JSON with the same structure, whatever an event says", () => {
    const template = { text: "said: {{description}}", alone: "{{description}}", meta: "{{metadata}}" };
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
        const event = { ...BOUNCED, description: text, metadata: { [text]: text, __proto__: null } };
        const body = bodyOf(template, event) as Record<string, unknown>;
        expect(Object.keys(body)).toEqual(["text", "alone", "meta"]);
        expect(body["alone"]).toBe(text);
        expect(body["text"]).toBe(`said: ${text}`);
        expect(Object.values(body["meta"] as object)).toEqual([text]);
      }),
    );
  });

  it("stays small, however often an expression names the largest field", () => {
    const metadata = { list: Array.from({ length: 1_000 }, () => "x".repeat(7)) };
    const template = Array.from({ length: 199 }, () => "{{[metadata, metadata, metadata, metadata]}}");
    const compiled = compileTemplate(template);
    if (!compiled.ok) throw new Error("refused");
    const body = renderTemplate(compiled.value, { ...OPENED, metadata });
    expect(body.length).toBeLessThan(600_000);
    expect(JSON.parse(body)).toHaveLength(199);
  });
});

describe("a template is refused", () => {
  it.each<[template: unknown, said: string]>([
    [{ a: { b: ["{{typ}}"] } }, "a.b.0: {{typ}}: unknown name: typ (line 1, column 1)"],
    [{ a: "{{type" }, "a: has a {{ without }}"],
    [{ a: "{{ }}" }, "without an expression"],
    [{ "{{type}}": 1 }, "in a name"],
    [{ a: "{{suppressed}}" }, "filters alone"],
    [{ a: "{{type}} {{type + contact}}" }, "cannot put texts or lists together"],
    [{ a: "{{type AND human}}" }, "write && in place of AND"],
    ['{"seq": {{seq}}}', 'write {{seq}} in quotes, "{{seq}}"'],
    ['{"seq": 1', "is not JSON"],
    ["{{type}}", "is not JSON"],
    [{ a: "x".repeat(16_001) }, "16,000"],
    [Array.from({ length: 201 }, () => "{{type}}"), "at most 200"],
    [Array.from({ length: 150 }, () => `{{metadata.all(a, metadata.all(b, a == b))}}`), "too much work"],
    [JSON.parse(`${"[".repeat(40)}1${"]".repeat(40)}`), "nested too deeply"],
  ])("%j", (template, said) => expect(mistakes(template)).toContain(said));

  it("with all of its mistakes", () => {
    expect(mistakes({ a: "{{x}}", b: "{{y}}" })).toMatch(/^a: .*; b: /);
  });
});
