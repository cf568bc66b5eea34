// What a pipe costs: rows written and calls of its object for each event that it passes on. Busy: the queue brings slices of
// a thousand, and each wakes it once. Quiet: each event comes alone and wakes it, which is the dearest that there is.

import { setTimeout as sleep } from "node:timers/promises";
import type { Progress } from "../../../src/cli/progress.ts";
import { BEGAN, contactOf } from "../events.ts";
import { digits } from "../figures.ts";
import type { Counts } from "../labs/counted.ts";
import { durationDollars, PRICES } from "../prices.ts";
import type { PartResult, Table } from "../results.ts";
import { askLab, type Running } from "../runtime.ts";
import { healthOf, makePipe, removePipe, startPipeLab } from "./lab.ts";
import { startReceiver } from "./receiver.ts";
import { nameInFeed, nextSeq } from "../../support/feed-sql.ts";

/** ms that the destination takes for a request: an object is billed while it waits. */
const DELAY = 20;

const LOOK_EVERY = 2; // ms
const MOST_LOOKS = 5_000;

const WAYS = [
  { name: "busy, 100 events a POST", batch: true, together: 1_000 },
  { name: "busy, one event a POST", batch: false, together: 1_000 },
  { name: "quiet, one event a POST", batch: false, together: 1 },
] as const;

export interface PipeCost {
  name: string;
  events: number;
  counts: Counts;
}

/** `events`: how many each way passes on, the quiet one a fifth of them. */
export async function countCosts(events: number, progress: Progress): Promise<PipeCost[]> {
  const lab = await startPipeLab({ counted: true });
  const receiver = await startReceiver({ delay: DELAY });
  const costs: PipeCost[] = [];
  let stored = 0;
  for (const [stretch, { name, batch, together }] of WAYS.entries()) {
    const wish = { name: "counted", url: receiver.url, batch, concurrency: 4, start: "now" } as const;
    const id = await makePipe(lab, wish);
    await receiver.still();
    await askLab<Counts>(lab, "/counts", null); // forgets what making it took
    const total = together === 1 ? events / 5 : events;
    for (let n = 0; n < total; n += together) {
      await storeRows(lab, stored, together);
      stored += together;
      await askLab<null>(lab, "/wake", { stretch });
      await delivered(lab, id, n + together);
      progress.show(n + together, total, name);
    }
    costs.push({ name, events: total, counts: await askLab<Counts>(lab, "/counts", null) });
    await removePipe(lab, id);
  }
  await receiver.stop();
  await lab.stop();
  return costs;
}

/** Rows of events as storing leaves them; what storing them costs is counted elsewhere. */
async function storeRows(lab: Running, first: number, count: number): Promise<void> {
  const rows = Array.from({ length: count }, (_, i) => [
    `0000000${(first + i).toString(32).padStart(27, "0")}`,
    contactOf((first + i) % 1_000),
    (BEGAN + first + i) * 1000,
  ]);
  const kind = `INSERT INTO event_kinds (source, provider, type, bounce, reason, destination, machine)
    VALUES ('mailjet', 'mailjet', 'opened', '', '', 'other', '') ON CONFLICT DO NOTHING`;
  const sql = `INSERT INTO event_rows (seq, id, kind, contact, at, received_at, message_id, campaign, line, element, details)
    SELECT ${nextSeq("1 + key")}, value->>0, (SELECT min(kind) FROM event_kinds WHERE type = 'opened'), value->>1, value->>2, value->>2,
      '1942177738', '7000', 0, 0, '{"ip":"203.0.113.7","geo":"CH"}' FROM json_each(?1)`;
  await askLab<null>(lab, "/sql", {
    statements: [
      { sql: kind },
      { sql, values: [JSON.stringify(rows)] },
      { sql: nameInFeed("01k5gqfp8w0000000000000000") },
    ],
  });
}

async function delivered(lab: Running, id: string, events: number): Promise<void> {
  for (let looks = 0; looks < MOST_LOOKS; looks++) {
    const health = await healthOf(lab, id);
    if (health.waiting > 0) throw new Error("an event failed, and nothing should have");
    if (health.delivered === events) return;
    await sleep(LOOK_EVERY);
  }
  throw new Error("the events were not passed on");
}

/** Lines of a bill, dollars for a million events. */
const LINES: readonly [keyof Counts, string][] = [
  ["objectRequests", "object requests (alarms included)"],
  ["objectRows", "object rows written"],
  ["d1RowsWritten", "D1 rows written"],
  ["d1RowsRead", "D1 rows read"],
];

const dollarsOf = ({ counts, events }: PipeCost): number => {
  const sum = LINES.reduce((dollars, [name]) => dollars + counts[name] * PRICES[name], 0);
  return ((sum + durationDollars(counts.ms)) / events) * 1e6;
};

/** What a pipe adds to the bill of the events that it passes on. */
export function billTable(costs: readonly PipeCost[]): Table {
  const row = (words: string, quantity: (cost: PipeCost) => string): string[] => [
    words,
    ...costs.map(quantity),
  ];
  return {
    title: "What one pipe adds to the bill, for a million events passed on",
    columns: ["", ...costs.map(({ name }) => name)],
    rows: [
      ...LINES.map(([name, words]) =>
        row(words, ({ counts, events }) => digits((counts[name] / events) * 1e6)),
      ),
      ...LINES.map(([name, words]) =>
        row(`$ ${words}`, ({ counts, events }) => ((counts[name] * PRICES[name] * 1e6) / events).toFixed(3)),
      ),
      row("$ object duration", ({ counts, events }) =>
        ((durationDollars(counts.ms) / events) * 1e6).toFixed(3),
      ),
      row("$ all in", (cost) => dollarsOf(cost).toFixed(2)),
    ],
    notes: [
      `Webhooks, four at once, each answered after ${DELAY} ms; nothing fails. Without the CPU time of the object, which is not billed`,
      "apart from its duration. Busy: a thousand events are stored, then it is woken; quiet: each event wakes it.",
    ],
  };
}

export async function measureCost(events: number, progress: Progress): Promise<PartResult> {
  const costs = await countCosts(events, progress);
  return {
    tables: [
      {
        title: "What a pipe writes for each event that it passes on",
        columns: ["", "D1 rows", "object rows", "object requests", "D1 rows read", "$ a million"],
        rows: costs.map((cost) => {
          const each = (name: keyof Counts): string => digits(cost.counts[name] / cost.events);
          return [
            cost.name,
            each("d1RowsWritten"),
            each("objectRows"),
            each("objectRequests"),
            each("d1RowsRead"),
            dollarsOf(cost).toFixed(2),
          ];
        }),
      },
    ],
    charts: [],
    targets: costs.map(({ name, events, counts }) => ({
      what: `D1 rows written per event passed on: ${name}`,
      got: counts.d1RowsWritten / events,
      bound: { most: 0.02 },
      unit: "",
    })),
    data: { costs },
  };
}
