// How fast pipes call their destinations, by what people chose and by what destinations take.

import { expect, it } from "vitest";
import { kindNamed } from "../../src/pipes/kinds/index.ts";
import { rateOf, restOf } from "../../src/pipes/limits.ts";

const pipe = (id: string, rate: number | null, settings: unknown = {}) => {
  const kind = kindNamed(id);
  if (kind === undefined) throw new Error(`no kind ${id}`);
  return { kind, settings, options: { rate } };
};
const hourly = { interval_seconds: 3600 };

it.each([
  ["webhook", null, null],
  ["webhook", 50, 50],
  ["slack", null, 1],
  ["slack", 0.5, 0.5],
  ["slack", 50, 1],
  ["discord", null, 2.5],
  ["teams", null, 4],
  ["pagerduty", 50, 2],
])("%s with the rate %s makes at most %s requests a second", (kind, chosen, rate) => {
  expect(rateOf(pipe(kind, chosen))).toBe(rate);
});

it("mails rest for as long as their interval says", () => {
  expect(restOf(pipe("email", null, hourly), 1_000)).toBe(3_601_000);
  expect(restOf(pipe("email", null, hourly), null)).toBe(0);
  expect(restOf(pipe("slack", null), 1_000)).toBe(0);
});
