// The documentation's test harness: which blocks it reads from a page, and when it accepts an answer as the page's.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareAnswer, differenceOf } from "./answers.ts";
import { blocksOf } from "./blocks.ts";

const fence = (info: string, text: string): string => `\`\`\`${info}\n${text}\n\`\`\`\n\n`;

describe("blocks", () => {
  it("are found in order with their line numbers, also inside lists", () => {
    const page = `# Title\n\n${fence("sh", "one\ntwo")}- item\n\n  \`\`\`sh\n  three\n  \`\`\`\n`;
    expect(blocksOf(page).runs.map(({ line, text }) => [line, text])).toEqual([
      [3, "one\ntwo"],
      [10, "three"],
    ]);
  });

  it("of JSON are the expected answer directly after a command, and examples elsewhere", () => {
    const page = `${fence("sh", "one")}${fence("json", "{}")}${fence("json", "[]")}${fence("sh", "two")}words\n\n${fence("json", "1")}`;
    const { runs, examples } = blocksOf(page);
    expect(runs.map(({ answer }) => answer?.text ?? null)).toEqual(["{}", null]);
    expect(examples.map(({ text }) => text)).toEqual(["[]", "1"]);
  });

  it("of other languages are ignored, and so is JavaScript unless it is marked to run", () => {
    const page = ["toml", "python", "text", "mermaid", "js", "js run"]
      .map((info) => fence(info, info))
      .join("");
    expect(blocksOf(page).runs.map(({ kind, text }) => [kind, text])).toEqual([["js", "js run"]]);
  });

  it("may name the status of an expected refusal; a misspelt word after the fence is reported as a problem", () => {
    const { runs, problems } = blocksOf(fence("sh refused=401", "one") + fence("sh refuse=401", "two"));
    expect(runs.map(({ refused }) => refused)).toEqual([401, null]);
    expect(problems).toEqual([{ line: 5, problem: '"refuse=401" means nothing behind ```sh' }]);
  });
});

describe("an answer", () => {
  it("matches if it has every field on the page, whatever other fields it has", () => {
    expect(compareAnswer('{"a":1}', '{"a":1,"b":2}')).toBeNull();
    expect(compareAnswer('{"a":1}', '{"b":2}')).toBe("the answer.a is missing");
    expect(compareAnswer('{"a":{"b":null}}', '{"a":{}}')).toBe("the answer.a.b is missing");
    expect(compareAnswer('{"a":1}', '{"a":"1"}')).toBe('the answer.a is "1", not 1');
  });

  it("matches a page that marks omitted fields, items and ends of texts with an ellipsis", () => {
    expect(compareAnswer('{"id":"01m8…","…":null}', '{"id":"01m8sj","x":1}')).toBeNull();
    expect(compareAnswer('{"id":"01m8…"}', '{"id":"02m8"}')).toMatch(/^the answer\.id is "02m8"/);
    expect(compareAnswer('{"id":"…"}', '{"id":7}')).toBeNull();
    expect(compareAnswer('{"id":"…"}', "{}")).toBe("the answer.id is missing");
    expect(compareAnswer('[1,"…",9]', "[1,2,3,9]")).toBeNull();
    expect(compareAnswer('[1,"…",9]', "[1,2,3]")).toBe("the answer[2] is 3, not 9");
    expect(compareAnswer('[1,"…",9]', "[1]")).toBe("the answer has 1 items, not at least 2");
    expect(compareAnswer("[1]", "[1,2]")).toBe("the answer has 2 items, not 1");
  });

  it("must be JSON, and so must the text on the page", () => {
    expect(compareAnswer("{}", "")).toBe("the answer is not JSON");
    expect(compareAnswer("{…}", "{}")).toBe("what the page shows is not JSON");
  });

  it("matches an equal value, and no value with a difference in one place", () => {
    const plain = fc
      .jsonValue({ maxDepth: 3 })
      .map((value) => JSON.parse(JSON.stringify(value).replaceAll("…", ".")) as unknown);
    fc.assert(
      fc.property(plain, (value) => {
        expect(differenceOf(value, value)).toBeNull();
        expect(differenceOf([value, 1], [value, 2])).not.toBeNull();
        expect(differenceOf({ value, one: 1 }, { value })).not.toBeNull();
      }),
    );
  });
});
