// The size of what is deployed, as wrangler bundles it, and how long a new isolate takes from nothing to its first answer to a
// provider: the time that the first webhook after a while, or in a new place, waits more.

import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Progress } from "../../../src/cli/progress.ts";
import { runWrangler } from "../../../src/cli/wrangler.ts";
import { CREDENTIALS, WORKS } from "../works.ts";
import { digits, figureOf, inTurns, ratioOf, spread } from "../figures.ts";
import type { FirstRequest } from "../labs/size.ts";
import type { PartResult } from "../results.ts";
import { bundle, makeStorage, start } from "../runtime.ts";

const CANDIDATES = ["limit", "tidings", "tutorial"] as const;
type Name = (typeof CANDIDATES)[number];

export async function size(quick: boolean, progress: Progress): Promise<PartResult> {
  const rounds = quick ? 9 : 31;
  const work = WORKS.find(({ name }) => name === "50 events");
  if (work === undefined) throw new Error("there is no request of 50 events");
  const codes: Record<Name, string> = {
    limit: await bundle("test/bench/candidates/limit.ts"),
    tidings: await deployed(),
    tutorial: await bundle("test/bench/candidates/tutorial.ts"),
  };
  const lab = await start({
    entry: "test/bench/labs/size.ts",
    env: {
      LOADER: { type: "worker-loader" },
      CODES: { type: "json", value: codes },
      VARS: {
        type: "json",
        value: {
          SOURCE_CREDENTIALS: JSON.stringify(CREDENTIALS),
          API_TOKENS: '{"a":"b"}',
          WEBHOOK_AUTH: CREDENTIALS.mailjet,
        },
      },
    },
  });
  const lines = CANDIDATES.map((name) => ({ name, starts: [] as number[] }));
  for (let round = -1; round < rounds; round++) {
    for (const line of inTurns(lines, round)) {
      const first: FirstRequest = { candidate: line.name, path: work.path, ...work.make() };
      const body = JSON.stringify(first);
      const began = performance.now();
      const response = await fetch(lab.url, { method: "POST", body });
      const text = await response.text();
      if (round >= 0) line.starts.push(performance.now() - began);
      if (response.status !== 200) throw new Error(`${line.name} answered ${response.status}: ${text}`);
    }
    progress.show(round + 2, rounds + 1, "new isolates");
  }
  await lab.stop();
  const startsOf = (name: Name): number[] => lines.find((line) => line.name === name)?.starts ?? [];
  const toLimit = (name: Name): number => ratioOf(startsOf(name), startsOf("limit")).median;
  const gzipped = CANDIDATES.map((name) => gzipSync(codes[name]).length);
  return {
    tables: [
      {
        title: "Size of the bundle, and a new isolate's time to its first answer to a POST of 50",
        columns: ["candidate", "KB", "KB gzipped", "start, ms", "× limit"],
        rows: lines.map(({ name, starts }, i) => [
          name,
          (Buffer.byteLength(codes[name]) / 1000).toFixed(1),
          ((gzipped[i] ?? 0) / 1000).toFixed(1),
          spread(figureOf(starts)),
          digits(toLimit(name)),
        ]),
        notes: [
          "Tidings as wrangler bundles it. The limit's start is what an isolate takes that has nothing to load.",
        ],
      },
    ],
    charts: [
      {
        name: "start",
        title: "A new isolate's time to its first answer",
        axis: "ms",
        groups: lines.map(({ name, starts }) => {
          const { median, least, most } = figureOf(starts);
          return { label: name, bars: [{ series: "start", value: median, least, most }] };
        }),
      },
    ],
    targets: [
      {
        what: "bundle, gzipped",
        got: (gzipped[CANDIDATES.indexOf("tidings")] ?? NaN) / 1000,
        bound: { most: 250 },
        unit: " KB",
      },
      {
        what: "a new isolate's first POST of 50, Tidings / limit",
        got: toLimit("tidings"),
        bound: { most: 5.5 },
        unit: "",
      },
    ],
    data: { lines, gzipped },
  };
}

/** The one module that `wrangler deploy` would upload. */
async function deployed(): Promise<string> {
  const out = makeStorage();
  const built = await runWrangler(["deploy", "--dry-run", "--outdir", out]);
  if (!built.ok) throw new Error(`the bundle could not be built. wrangler says:\n${built.reason}`);
  const code = readFileSync(join(out, "index.js"), "utf8");
  rmSync(out, { recursive: true, force: true });
  return code;
}
