// Every filter in src/docs/passing-on.md can be saved, and lets through what it is said to.

import { describe, expect, it } from "vitest";
import { compileFilter, evaluate } from "../../../src/pipes/filter/filter.ts";
import { filterWords } from "../../../src/pipes/filter/words.ts";
import { at, BOUNCED, HOUR, LOOKUPS, OPENED } from "./samples.ts";

const PAGES = import.meta.glob<string>("../../../src/docs/passing-on.md", {
  query: "?raw",
  import: "default",
  eager: true,
});
const [PAGE = ""] = Object.values(PAGES);
const EXAMPLES = (/```text\n([^]*?)```/.exec(PAGE)?.[1] ?? "").trim().split("\n");

const words = filterWords({ sources: ["mailgun"], providers: ["mailgun"] });
const events = {
  complained: { ...OPENED, type: "complained", campaign: null, tags: [] },
  delivered: { ...OPENED, type: "delivered", source: "mailgun", campaign: null, tags: [], metadata: {} },
  blocked: { ...BOUNCED, type: "blocked", bounce: null, contact: "ann@gmail.com" },
  clicked: { ...OPENED, type: "clicked", campaign: null, tags: [], url: "https://shop.example/sale/1" },
  suppressed: { type: "contact.suppressed", id: "x", contact: "ann@gmail.com", data: {} },
  bounced: BOUNCED,
  opened: { ...OPENED, occurred_at: new Date(at).toISOString() },
};

describe("the filters of the page", () => {
  it.each(EXAMPLES.map((example) => [example]))("%s", (example) => {
    const filter = compileFilter(example, words);
    if (!filter.ok) throw new Error(filter.reason);
    const passed = Object.entries(events).flatMap(([name, event]) => {
      const result = evaluate(filter.value, event, {
        ...LOOKUPS,
        message: { sent_at: at - HOUR, delivered_at: null, status: "opened" },
      });
      expect(result.ok, `${name}: ${result.ok ? "" : result.reason}`).toBe(true);
      return result.ok && result.value ? [name] : [];
    });
    expect(passed.join(" ")).toBe(EXPECTED[EXAMPLES.indexOf(example)]);
  });

  it("are as many as are expected here", () => expect(EXAMPLES).toHaveLength(EXPECTED.length));
});

const EXPECTED = [
  "complained bounced",
  "complained bounced",
  "suppressed",
  "blocked",
  "delivered",
  "opened",
  "opened",
  "bounced",
  "opened",
  "clicked",
  "opened",
  "opened",
];
