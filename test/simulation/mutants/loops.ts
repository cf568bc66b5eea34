// Mutants of what ends a pipe that leads back to a source: in src/pipes, src/ingest and src/process.

import type { Mutant } from "./mutant.ts";

export const LOOPS: readonly Mutant[] = [
  {
    name: "a pipe does not tell through how many pipes its events came",
    file: "pipes/transport/http.ts",
    from: "const told = hops === undefined ? {} : { [HOPS_HEADER]: String(hops) };",
    to: "const told = {};",
  },
  {
    name: "a pipe tells of itself alone",
    file: "pipes/attempt.ts",
    from: "hops: hopsWith(batch)",
    to: "hops: hopsWith([])",
  },
  {
    name: "a source does not ask through how many pipes a delivery came",
    file: "ingest/receive.ts",
    from: "headers: hops === null ? kept : [...kept, [HOPS_HEADER, String(hops)]],",
    to: "headers: kept,",
  },
  {
    name: "an event forgets through how many pipes it came",
    file: "process/parse.ts",
    from: "const passed = hops === null ? handled : { ...handled, hops };",
    to: "const passed = handled;",
  },
  {
    name: "a loop has no end",
    file: "process/parse.ts",
    from: "if (hops !== null && hops >= MOST_HOPS)",
    to: "if (hops !== null && hops > 100 * MOST_HOPS)",
  },
  {
    name: "a chain of two deployments counts as a loop",
    file: "process/parse.ts",
    from: "if (hops !== null && hops >= MOST_HOPS)",
    to: "if (hops !== null && hops >= MOST_HOPS - 1)",
  },
  {
    name: "a loop ends without a word",
    file: "process/parse.ts",
    from: "return rejected(parsed, `it came through ${hops} pipes: a loop`);",
    to: "return parsed;",
  },
  {
    name: "what runs in a loop takes along what shares its request",
    file: "pipes/round/lanes.ts",
    from: "if (isFull || ownHops !== hops || (rules.ordered && groups.has(group))) close();",
    to: "if (isFull || (rules.ordered && groups.has(group))) close();",
  },
];
