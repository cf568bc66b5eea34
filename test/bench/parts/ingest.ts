// Ingest: acknowledged requests per second, and how long an answer takes at a load that everybody can bear. All candidates
// run at once, each in its own process, and are measured in turns. Their queues are drained, not worked off; Express,
// which has no queue, stores before it answers.

import type { Progress } from "../../../src/cli/progress.ts";
import { startCandidates, type Name } from "../candidates.ts";
import { digits, figureOf, inTurns, quantile, ratioOf, spread, type Figure } from "../figures.ts";
import { saturate, sendAtRate, type Load } from "../load.ts";
import type { PartResult } from "../results.ts";
import { type Running } from "../runtime.ts";
import { WORKS, type Work } from "../works.ts";
import { measureHandlers } from "./handlers.ts";

const NAMES: readonly Name[] = ["limit", "tidings", "tutorial", "express"];

interface Line {
  work: string;
  candidate: Name;
  /** Acknowledged requests per second, a round each. */
  perSecond: number[];
  /** How busy the load generator was at most, 0 to 1. */
  busy: number;
  /** Requests per second at which the latencies, ms, were taken. */
  rate: number;
  p50: number[];
  p99: number[];
}

export async function ingest(quick: boolean, progress: Progress): Promise<PartResult> {
  const running = await startCandidates();
  const lines: Line[] = [];
  const [rounds, duration] = quick ? [2, 400] : [7, 1_000];
  const total = WORKS.length * NAMES.length * (2 * rounds + 1);
  let done = 0;
  const step = (words: string): void => progress.show(++done, total, words);
  for (const work of WORKS) {
    const own = NAMES.map((candidate): Line => ({
      work: work.name,
      candidate,
      perSecond: [],
      busy: 0,
      rate: 0,
      p50: [],
      p99: [],
    }));
    for (const { candidate } of own) {
      await saturate(loadOf(work, running[candidate], duration / 2));
      await running[candidate].settled();
      step(`${work.name}: warming up`);
    }
    for (let round = 0; round < rounds; round++) {
      for (const line of inTurns(own, round)) {
        const result = await saturate(loadOf(work, running[line.candidate], duration));
        await running[line.candidate].settled();
        line.perSecond.push((result.acknowledged / result.elapsed) * 1000);
        line.busy = Math.max(line.busy, result.busy);
        step(`${work.name}: as many as it takes`);
      }
    }
    const rate = Math.max(1, Math.min(...own.map(({ perSecond }) => figureOf(perSecond).median)) / 2);
    // Long enough for twenty requests where they are slow, but no longer than that is worth.
    const fixed = Math.min(Math.max(duration, (20 / rate) * 1000), quick ? 1_000 : 2_500);
    for (let round = 0; round < rounds; round++) {
      for (const line of inTurns(own, round)) {
        const { latencies } = await sendAtRate(loadOf(work, running[line.candidate], fixed), rate);
        line.rate = rate;
        line.p50.push(quantile(latencies, 0.5));
        line.p99.push(quantile(latencies, 0.99));
        step(`${work.name}: at a fixed load`);
      }
    }
    lines.push(...own);
  }
  await Promise.all(NAMES.map(async (name) => await running[name].stop()));
  return withHandlers(resultOf(lines), await measureHandlers(quick, progress));
}

function loadOf(work: Work, { url }: Running, duration: number): Load {
  return {
    url: new URL(work.path, url),
    connections: work.connections,
    duration,
    headers: {},
    next: () => {
      const { body, headers } = work.make();
      return { body: Buffer.from(body), headers };
    },
  };
}

function resultOf(lines: readonly Line[]): PartResult {
  const find = (work: string, candidate: Name): Line | undefined =>
    lines.find((line) => line.work === work && line.candidate === candidate);
  const toLimit = ({ work, perSecond }: Line): Figure =>
    ratioOf(perSecond, find(work, "limit")?.perSecond ?? []);
  const fifty = find("50 events", "tidings");
  return {
    tables: [
      {
        title: "Ingest: acknowledged requests per second, as many as it takes",
        columns: ["request", "candidate", "requests/s", "of the limit", "generator busy"],
        rows: lines.map((line) => [
          line.work,
          line.candidate,
          spread(figureOf(line.perSecond)),
          digits(toLimit(line).median),
          `${Math.round(line.busy * 100)} %`,
        ]),
        notes: [
          "Median of the rounds (least…greatest). Express stores before it answers; the others hand over to a queue.",
          "Where the generator is busy all the time, it and not the candidate sets the figure.",
        ],
      },
      {
        title: "Ingest: time to the answer at half of what the slowest takes, ms",
        columns: ["request", "candidate", "requests/s", "p50", "p99"],
        rows: lines.map(({ work, candidate, rate, p50, p99 }) => [
          work,
          candidate,
          digits(rate),
          spread(figureOf(p50)),
          spread(figureOf(p99)),
        ]),
      },
    ],
    charts: [
      {
        name: "throughput",
        title: "Acknowledged requests per second",
        axis: "requests/s",
        log: true,
        groups: WORKS.map(({ name }) => ({
          label: name,
          bars: NAMES.map((candidate) => barOf(candidate, find(name, candidate)?.perSecond ?? [])),
        })),
      },
      {
        name: "latency",
        title: "Time to the answer at half of what the slowest takes",
        axis: "ms",
        log: true,
        groups: WORKS.flatMap(({ name }) =>
          (["p50", "p99"] as const).map((which) => ({
            label: `${name}, ${which}`,
            bars: NAMES.map((candidate) => barOf(candidate, find(name, candidate)?.[which] ?? [])),
          })),
        ),
      },
    ],
    targets:
      fifty === undefined
        ? []
        : [
            {
              what: "acknowledged requests/s, POSTs of 50, Tidings / limit",
              got: toLimit(fifty).median,
              bound: { least: 0.9 },
              unit: "",
            },
          ],
    data: { lines },
  };
}

function barOf(series: string, values: readonly number[]) {
  const { median, least, most } = figureOf(values);
  return { series, value: median, least, most };
}

function withHandlers(a: PartResult, b: PartResult): PartResult {
  return {
    tables: [...a.tables, ...b.tables],
    charts: [...a.charts, ...b.charts],
    targets: [...a.targets, ...b.targets],
    data: { requests: a.data, handlers: b.data },
  };
}
