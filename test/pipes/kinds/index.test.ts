// Every kind of pipe goes through the shared suite: one without cases, or whose cases no test file runs, fails here.

import { expect, test } from "vitest";
import { kinds } from "../../../src/pipes/kinds/index.ts";
import { CASES } from "./cases/index.ts";

const files = Object.values(
  import.meta.glob("./*.test.ts", { query: "?raw", import: "default", eager: true }),
);

test("every kind has cases of its own in the shared suite", () => {
  expect(Object.keys(CASES).sort()).toEqual(Object.keys(kinds).sort());
  for (const [id, cases] of Object.entries(CASES)) {
    expect(cases.length).toBeGreaterThan(0);
    for (const { kind } of cases) expect(kind).toBe(kinds[id]);
  }
});

test.each(Object.keys(kinds))("the cases of %s are run", (id) => {
  const runs = files.filter(
    (text) => text.includes(`"./cases/${id}.ts"`) && text.includes(" describeKind(one);"),
  );
  expect(runs).toHaveLength(1);
});
