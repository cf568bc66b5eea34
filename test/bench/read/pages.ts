// Full pages, against the same answer from rows of text that are kept ready; and what it adds to statistics that the last
// thousand events are not counted yet, against a database with the same events that has counted all of them.

import type { Progress } from "../../../src/cli/progress.ts";
import { tidingsBindings } from "../candidates.ts";
import { contactOf } from "../events.ts";
import { digits, figureOf, inTurns, ratioOf } from "../figures.ts";
import { fill, FILLED_FROM, MONTH } from "../filled.ts";
import type { ReadyQuestion } from "../labs/read.ts";
import { makeReady } from "../ready.ts";
import type { PartResult } from "../results.ts";
import { askLab, start, type Running } from "../runtime.ts";
import { schema } from "../store-lab.ts";

const HEADERS = { authorization: "Bearer bench-only", "content-type": "application/json" };
/** Events of a contact. */
const EACH = 200;
const UNCOUNTED = 1_000;

interface Asked {
  path: string;
  body?: string;
}

/** A question of which the same answer can be had in two ways. */
interface Pair {
  name: string;
  most: number;
  /** `n` is another one each time. */
  ask: (n: number) => Asked;
  least: (n: number) => Asked;
  /** ms, a value each round. */
  took: { ask: number[]; least: number[] };
  /** Whether both answers must be the same, and not only as long. */
  same: boolean;
}

const ready = (sql: string, values: (string | number)[]): Asked => ({
  path: "/ready",
  body: JSON.stringify({ sql, values } satisfies ReadyQuestion),
});

function pairsOf(total: number): Pair[] {
  const contact = (n: number): string => contactOf((n * 7919) % Math.floor(total / EACH));
  const place = (n: number): number => ((n * 7919) % Math.floor(total / 1_000 - 1)) * 1_000;
  const day = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 10);
  const month = `from=${day(FILLED_FROM)}&to=${day(FILLED_FROM + MONTH + 86_400)}`;
  const stats = (words: string, query: string): Pair => ({
    name: `a month of statistics by ${words}, ${UNCOUNTED.toLocaleString("en-US")} events uncounted / none`,
    most: 1.5,
    ask: () => ({ path: `/large/v1/stats?${month}&${query}` }),
    least: () => ({ path: `/v1/stats?${month}&${query}` }),
    took: { ask: [], least: [] },
    same: true,
  });
  return [
    {
      name: "a page of 1,000 of the feed / kept ready",
      most: 6,
      ask: (n) => ({ path: `/v1/events?limit=1000&after=${place(n)}` }),
      least: (n) => ready("SELECT body FROM ready WHERE place > ?1 ORDER BY place LIMIT 1000", [place(n)]),
      took: { ask: [], least: [] },
      same: false,
    },
    {
      name: "100 of a contact's timeline / kept ready",
      most: 6,
      ask: (n) => ({ path: `/v1/contacts/${encodeURIComponent(contact(n))}/timeline?limit=100` }),
      least: (n) =>
        ready("SELECT body FROM ready WHERE contact = ?1 ORDER BY place DESC LIMIT 100", [contact(n)]),
      took: { ask: [], least: [] },
      same: false,
    },
    stats("day", "bucket=day"),
    stats("destination", "by=destination"),
  ];
}

export async function measurePages(quick: boolean, progress: Progress): Promise<PartResult> {
  const [total, rounds] = quick ? [20_000, 20] : [100_000, 120];
  const lab = await start({
    entry: "test/bench/labs/read.ts",
    env: { ...tidingsBindings(), DB_LARGE: { type: "d1", id: "large" } },
    objects: ["Contact"],
  });
  for (const database of ["DB", "DB_LARGE"])
    await askLab<null>(lab, "/sql", { database, statements: schema().map((sql) => ({ sql })) });
  await fill(lab, "small", total, total / EACH, progress);
  await fill(lab, "large", total, total / EACH, progress, UNCOUNTED);
  await makeReady(lab, total, progress);
  const pairs = pairsOf(total);
  for (let round = -5; round < rounds; round++) {
    for (const pair of pairs) await askBoth(lab, pair, round);
    progress.show(round + 6, rounds + 5, "asking for pages");
  }
  await lab.stop();
  return resultOf(pairs, total);
}

/** Both ways in turns. Throws unless their answers have as many events, or are the same. */
async function askBoth(lab: Running, pair: Pair, round: number): Promise<void> {
  const answers = { ask: "", least: "" };
  for (const way of inTurns(["ask", "least"] as const, Math.abs(round))) {
    const { path, body } = pair[way](round + 5);
    const init = body === undefined ? {} : { method: "POST", body };
    const began = performance.now();
    const response = await fetch(new URL(path, lab.url), { ...init, headers: HEADERS });
    answers[way] = await response.text();
    if (round >= 0) pair.took[way].push(performance.now() - began);
    if (!response.ok) throw new Error(`${pair.name} failed: ${answers[way].slice(0, 300)}`);
  }
  const alike = pair.same
    ? answers.ask === answers.least
    : lengthOf(answers.ask) === lengthOf(answers.least) && lengthOf(answers.ask) >= 100;
  if (!alike) throw new Error(`${pair.name}: the answers differ`);
}

const lengthOf = (answer: string): number => (JSON.parse(answer) as { events: unknown[] }).events.length;

function resultOf(pairs: readonly Pair[], total: number): PartResult {
  const ratio = ({ took }: Pair): number => ratioOf(took.ask, took.least).median;
  return {
    tables: [
      {
        title: `Pages and the uncounted, ${total.toLocaleString("en-US")} events stored: ms by HTTP, median`,
        columns: ["question / against what", "ms", "against", "ratio"],
        rows: pairs.map((pair) => [
          pair.name,
          digits(figureOf(pair.took.ask).median),
          digits(figureOf(pair.took.least).median),
          digits(ratio(pair)),
        ]),
        notes: [
          "Kept ready: the answer's events as text, a row each, read from one table through the same Worker.",
        ],
      },
    ],
    charts: [],
    targets: pairs.map((pair) => ({
      what: pair.name,
      got: ratio(pair),
      bound: { most: pair.most },
      unit: "",
    })),
    data: { pairs },
  };
}
