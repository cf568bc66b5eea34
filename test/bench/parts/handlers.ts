// What a handler costs in the isolate, without the HTTP server, the queue and the network around it: labs/handler.ts times
// many calls in a row, and the candidates take turns.

import type { Progress } from "../../../src/cli/progress.ts";
import { tidingsBindings } from "../candidates.ts";
import { figureOf, inTurns, ratioOf, spread, digits } from "../figures.ts";
import type { PartResult } from "../results.ts";
import { askLab, start } from "../runtime.ts";
import { CREDENTIALS, WORKS } from "../works.ts";

const CANDIDATES = ["limit", "tidings", "tutorial"] as const;
/** Bytes of requests that are made beforehand. */
const BYTES = 40_000_000;
const MOST_CALLS = 4_000;

interface Line {
  work: string;
  candidate: (typeof CANDIDATES)[number];
  /** ms a call, a round each. */
  perCall: number[];
}

export async function measureHandlers(quick: boolean, progress: Progress): Promise<PartResult> {
  const lab = await start({
    entry: "test/bench/labs/handler.ts",
    env: { ...tidingsBindings(), WEBHOOK_AUTH: { type: "text", value: CREDENTIALS.mailjet } },
    objects: ["Contact"],
  });
  const rounds = quick ? 5 : 21;
  const lines: Line[] = [];
  let done = 0;
  for (const work of WORKS) {
    const own = CANDIDATES.map((candidate): Line => ({ work: work.name, candidate, perCall: [] }));
    const { body, headers } = work.make();
    const times = Math.min(MOST_CALLS, Math.ceil(BYTES / body.length));
    const time = async ({ candidate }: Line): Promise<number> =>
      await askLab<number>(lab, "/", { candidate, path: work.path, headers, body, times });
    for (const line of own) for (let i = 0; i < 3; i++) await time(line); // until the compiler has seen it all
    for (let round = 0; round < rounds; round++) {
      for (const line of inTurns(own, round)) line.perCall.push(await time(line));
      progress.show(++done, WORKS.length * rounds, `${work.name}: the handlers alone`);
    }
    lines.push(...own);
  }
  await lab.stop();
  return resultOf(lines);
}

function resultOf(lines: readonly Line[]): PartResult {
  const perCallOf = (work: string, candidate: Line["candidate"]): number[] =>
    lines.find((line) => line.work === work && line.candidate === candidate)?.perCall ?? [];
  /** How many times the limit's the handler's time may be. */
  const bounds = [
    ["50 events", 2.5],
    ["500 events", 4],
  ] as const;
  return {
    tables: [
      {
        title: "Ingest: the handler alone, µs a request in the isolate, queue and bucket stubbed",
        columns: ["request", "candidate", "µs", "× limit"],
        rows: lines.map(({ work, candidate, perCall }) => [
          work,
          candidate,
          spread(figureOf(perCall.map((ms) => ms * 1000))),
          digits(ratioOf(perCall, perCallOf(work, "limit")).median),
        ]),
      },
    ],
    charts: [
      {
        name: "handler",
        title: "The handler alone, per request",
        axis: "µs",
        log: true,
        groups: WORKS.map(({ name }) => ({
          label: name,
          bars: lines
            .filter(({ work }) => work === name)
            .map(({ candidate, perCall }) => {
              const { median, least, most } = figureOf(perCall.map((ms) => ms * 1000));
              return { series: candidate, value: median, least, most };
            }),
        })),
      },
    ],
    targets: bounds.map(([work, most]) => ({
      what: `handler time per POST of ${work}, Tidings / limit`,
      got: ratioOf(perCallOf(work, "tidings"), perCallOf(work, "limit")).median,
      bound: { most },
      unit: "",
    })),
    data: { lines },
  };
}
