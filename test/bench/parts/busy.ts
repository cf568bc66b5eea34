// One busy contact: what its next open, a page of it and an export of it cost when it has ten thousand events and when it
// has a million, such as a monitored address. The same is asked of both databases, in turns.

import type { Progress } from "../../../src/cli/progress.ts";
import { BEGAN, contactOf } from "../events.ts";
import { fill } from "../filled.ts";
import { digits, figureOf, inTurns, ratioOf, spread } from "../figures.ts";
import type { ApiQuestion } from "../labs/store.ts";
import type { PartResult } from "../results.ts";
import type { Running } from "../runtime.ts";
import { startStoreLab, storeOnce } from "../store-lab.ts";

const ADDRESS = encodeURIComponent(contactOf(0));
const HEADERS = { authorization: "Bearer bench-only" };
const MOST_TIMES = 1.5;

type Size = ApiQuestion["candidate"];

interface Work {
  name: string;
  /** How many rounds there are of it, for each that there is of the others. */
  share: number;
  /** Returns ms, for an export an event. */
  work: (lab: Running, size: Size, n: number) => Promise<number>;
  took: Record<Size, number[]>;
}

export async function busy(quick: boolean, progress: Progress): Promise<PartResult> {
  const [few, many] = quick ? [2_000, 20_000] : [10_000, 1_000_000];
  const rounds = quick ? 8 : 60;
  const lab = await startStoreLab();
  await fill(lab, "small", few, 1, progress);
  await fill(lab, "large", many, 1, progress);
  const works = worksOf();
  for (let round = -2; round < rounds; round++) {
    for (const { share, work, took } of works) {
      if (round % share !== 0) continue;
      for (const size of inTurns(["tidings", "large"] as const, round)) {
        const ms = await work(lab, size, round + 2);
        if (round >= 0) took[size].push(ms);
      }
    }
    progress.show(round + 3, rounds + 2, "asking");
  }
  await lab.stop();
  return resultOf(works, [few, many]);
}

function worksOf(): Work[] {
  const none = (): Work["took"] => ({ tidings: [], large: [] });
  const page = (path: string) => async (lab: Running, candidate: Size) =>
    (await ask(lab, { candidate, path, headers: HEADERS })).ms;
  return [
    { name: "one more open", share: 1, work: open, took: none() },
    { name: "a page of its events", share: 1, work: page(`/v1/events?contact=${ADDRESS}`), took: none() },
    {
      name: "a page of its timeline",
      share: 1,
      work: page(`/v1/contacts/${ADDRESS}/timeline`),
      took: none(),
    },
    { name: "an export, per 1,000 events", share: 20, work: exported, took: none() },
  ];
}

/** Stores one more open of the contact. */
async function open(lab: Running, size: Size, n: number): Promise<number> {
  const mail = (size === "large" ? 20_000_000 : 30_000_000) + n;
  return (await storeOnce(lab, size, [{ kind: "open", mail, contact: 0, time: BEGAN + n }], 1)).ms;
}

async function exported(lab: Running, candidate: Size): Promise<number> {
  const headers = { ...HEADERS, accept: "application/x-ndjson" };
  const { ms, lines } = await ask(lab, { candidate, path: `/v1/events?contact=${ADDRESS}`, headers });
  return (ms * 1_000) / lines;
}

const NEW_LINE = 10;

/** The answer is read piece by piece: an export of a million events is longer than a string may be. */
async function ask(lab: Running, question: ApiQuestion): Promise<{ ms: number; lines: number }> {
  const began = performance.now();
  const response = await fetch(new URL("/ask", lab.url), { method: "POST", body: JSON.stringify(question) });
  if (!response.ok) throw new Error(`${question.path} failed: ${(await response.text()).slice(0, 300)}`);
  let lines = 0;
  for await (const piece of response.body ?? [])
    for (let at = piece.indexOf(NEW_LINE); at >= 0; at = piece.indexOf(NEW_LINE, at + 1)) lines++;
  return { ms: performance.now() - began, lines };
}

function resultOf(works: readonly Work[], sizes: readonly number[]): PartResult {
  const [few, many] = sizes.map((size) => size.toLocaleString("en-US"));
  const lines = works.map(({ name, took }) => ({ name, took, grown: ratioOf(took.large, took.tidings) }));
  return {
    tables: [
      {
        title: "One busy contact: ms, by how many events it has",
        columns: ["work", `${few} events`, `${many} events`, "ratio"],
        rows: lines.map(({ name, took, grown }) => [
          name,
          spread(figureOf(took.tidings)),
          spread(figureOf(took.large)),
          digits(grown.median),
        ]),
      },
    ],
    charts: [
      {
        name: "cost",
        title: "One busy contact, by how many events it has",
        axis: "ms",
        log: true,
        groups: lines.map(({ name, took }) => ({
          label: name,
          bars: (["tidings", "large"] as const).map((size, i) => {
            const { median, least, most } = figureOf(took[size]);
            return { series: `${(i === 0 ? few : many) ?? ""} events`, value: median, least, most };
          }),
        })),
      },
    ],
    targets: lines.map(({ name, grown }) => ({
      what: `${name}: a contact with ${many} events / with ${few}`,
      got: grown.median,
      bound: { most: MOST_TIMES },
      unit: "",
    })),
    data: { lines },
  };
}
