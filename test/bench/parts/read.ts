// Reading: what questions to a million events cost, against the least that a question can be, through the same Worker and
// in turns; and whether a whole export takes more memory the longer it goes on.

import type { Progress } from "../../../src/cli/progress.ts";
import { tidingsBindings } from "../candidates.ts";
import { contactOf } from "../events.ts";
import { digits, inTurns, quantile } from "../figures.ts";
import { fill, FILLED_FROM, MONTH, suppress } from "../filled.ts";
import { watchMemory } from "../memory.ts";
import { measurePages } from "../read/pages.ts";
import type { PartResult } from "../results.ts";
import { askLab, start, type Running } from "../runtime.ts";
import { schema } from "../store-lab.ts";

const CONTACTS = 100_000;
const CHECKED = 1_000;
const HEADERS = { authorization: "Bearer bench-only", "content-type": "application/json" };

interface Question {
  name: string;
  /** `n` is never the same twice. */
  ask: (n: number) => { path: string; body?: string };
  /** ms, one per asking. */
  took: number[];
}

const contact = (n: number): string => encodeURIComponent(contactOf((n * 7919) % CONTACTS));
const day = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 10);
const MONTH_OF = `from=${day(FILLED_FROM)}&to=${day(FILLED_FROM + MONTH + 86_400)}`;

function questions(total: number): Question[] {
  const get = (name: string, path: (n: number) => string): Question => ({
    name,
    ask: (n) => ({ path: path(n) }),
    took: [],
  });
  return [
    get("bare SELECT 1", () => "/bare"),
    get("timeline of a contact", (n) => `/v1/contacts/${contact(n)}/timeline`),
    get("contact", (n) => `/v1/contacts/${contact(n)}`),
    get("message with its events", (n) => `/v1/messages/1942177738${(n * 7919) % Math.floor(total / 3)}`),
    get("event by id, of the feed", (n) => `/v1/events?limit=1&after=${(n * 7919) % (total - 1)}`),
    get("suppression look-up", (n) => `/v1/suppressions/${contact(n)}`),
    {
      name: `check of ${CHECKED} addresses`,
      ask: (n) => ({
        path: "/v1/suppressions/check",
        body: JSON.stringify({
          addresses: Array.from({ length: CHECKED }, (_, i) => contactOf((n * CHECKED + i * 97) % CONTACTS)),
        }),
      }),
      took: [],
    },
    get("a month of statistics by day", () => `/v1/stats?${MONTH_OF}&bucket=day`),
    get("a month of statistics by destination", () => `/v1/stats?${MONTH_OF}&by=destination`),
    get("a month of statistics by campaign", () => `/v1/stats?${MONTH_OF}&by=campaign`),
  ];
}

export async function read(quick: boolean, progress: Progress): Promise<PartResult> {
  const [total, rounds] = quick ? [50_000, 20] : [1_000_000, 200];
  const lab = await start({
    entry: "test/bench/labs/read.ts",
    env: tidingsBindings(),
    objects: ["Contact"],
    inspected: true,
  });
  await askLab<null>(lab, "/sql", { statements: schema().map((sql) => ({ sql })) });
  await fill(lab, "small", total, CONTACTS, progress);
  await suppress(lab);
  const asked = questions(total);
  for (let round = -5; round < rounds; round++) {
    for (const question of inTurns(asked, round)) {
      const took = await ask(lab, question, round + 5);
      if (round >= 0) question.took.push(took);
    }
    progress.show(round + 6, rounds + 5, "asking");
  }
  const exported = await exportAll(lab, total, progress);
  await lab.stop();
  const [whole, pages] = [resultOf(asked, exported, total), await measurePages(quick, progress)];
  return {
    tables: [...whole.tables, ...pages.tables],
    charts: whole.charts,
    targets: [...whole.targets, ...pages.targets],
    data: { questions: asked, exported, pages: pages.data },
  };
}

async function ask({ url }: Running, question: Question, n: number): Promise<number> {
  const { path, body } = question.ask(n);
  const init = body === undefined ? {} : { method: "POST", body };
  const began = performance.now();
  const response = await fetch(new URL(path, url), { ...init, headers: HEADERS });
  const text = await response.text();
  const took = performance.now() - began;
  if (!response.ok) throw new Error(`${question.name} failed: ${text.slice(0, 300)}`);
  return took;
}

interface Exported {
  rows: number;
  seconds: number;
  /** The lowest reading of the heap in the first and in the last third, and the highest of all, bytes. */
  first: number;
  last: number;
  highest: number;
}

async function exportAll(lab: Running, total: number, progress: Progress): Promise<Exported> {
  if (lab.inspector === null) throw new Error("the runtime listens to no debugger");
  const memory = watchMemory(lab.inspector);
  const began = performance.now();
  const response = await fetch(new URL("/v1/events", lab.url), {
    headers: { ...HEADERS, accept: "application/x-ndjson" },
  });
  let rows = 0;
  for await (const chunk of response.body ?? []) {
    rows += countOf(chunk, 10);
    progress.show(rows, total, "exporting");
  }
  const seconds = (performance.now() - began) / 1000;
  memory.stop();
  if (rows !== total) throw new Error(`the export had ${rows} lines of ${total}`);
  const third = Math.floor(memory.samples.length / 3);
  return {
    rows,
    seconds,
    first: Math.min(...memory.samples.slice(0, third)),
    last: Math.min(...memory.samples.slice(-third)),
    highest: Math.max(...memory.samples),
  };
}

function countOf(bytes: Uint8Array, byte: number): number {
  let count = 0;
  for (let at = bytes.indexOf(byte); at >= 0; at = bytes.indexOf(byte, at + 1)) count += 1;
  return count;
}

const MB = 1e6;

function resultOf(asked: readonly Question[], exported: Exported, total: number): Omit<PartResult, "data"> {
  const bare = quantile(asked[0]?.took ?? [], 0.95);
  const worst = Math.max(...asked.map(({ took }) => quantile(took, 0.95) / bare));
  return {
    tables: [
      {
        title: `Reading, ${total.toLocaleString("en-US")} events stored: ms by HTTP, one question at a time`,
        columns: ["question", "p50", "p95", "p95 / bare"],
        rows: asked.map(({ name, took }) => [
          name,
          digits(quantile(took, 0.5)),
          digits(quantile(took, 0.95)),
          digits(quantile(took, 0.95) / bare),
        ]),
      },
      {
        title: "An export of all of them as NDJSON",
        columns: ["rows", "rows/s", "heap at first, MB", "heap at last, MB", "highest, MB"],
        rows: [
          [
            exported.rows.toLocaleString("en-US"),
            digits(exported.rows / exported.seconds),
            digits(exported.first / MB),
            digits(exported.last / MB),
            digits(exported.highest / MB),
          ],
        ],
        notes: [
          "The heap's lowest reading in the first and in the last third, for what is garbage may lie about.",
        ],
      },
    ],
    charts: [
      {
        name: "read",
        title: "Questions to a million events, p95",
        axis: "ms",
        log: true,
        groups: asked.map(({ name, took }) => ({
          label: name,
          bars: [
            {
              series: "tidings",
              value: quantile(took, 0.95),
              least: quantile(took, 0.5),
              most: quantile(took, 0.99),
            },
          ],
        })),
      },
    ],
    targets: [
      { what: "slowest question's p95 / a bare SELECT 1", got: worst, bound: { most: 10 }, unit: "" },
      {
        what: "heap late in an export of everything / early",
        got: exported.last / exported.first,
        bound: { most: 1.25 },
        unit: "",
      },
    ],
  };
}
