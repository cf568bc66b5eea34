// The bill: a month runs through Tidings and through the tutorial, at its own times, and every billed operation is
// counted. Each contact gets its mails a week apart, each mail gives three events at three times, POSTs hold 50 events,
// half of the contacts are new that month, the others had mail before, one mail in a hundred ends in an unsubscribe, and
// each contact's monthly alarm rings. Express has no such bill: its machine costs the same whatever comes.

import type { Progress } from "../../../src/cli/progress.ts";
import { tidingsBindings } from "../candidates.ts";
import { contactOf, KINDS, type EventPlan } from "../events.ts";
import { digits } from "../figures.ts";
import type { Stage } from "../labs/bill.ts";
import type { Counts } from "../labs/counted.ts";
import { billTable, countCosts, type PipeCost } from "../pipes/cost.ts";
import { durationDollars, PRICES } from "../prices.ts";
import type { PartResult } from "../results.ts";
import { askLab, start, type Running } from "../runtime.ts";
import { schema } from "../store-lab.ts";
import { CREDENTIALS } from "../works.ts";

const CANDIDATES = ["tidings", "tutorial"] as const;
type Name = (typeof CANDIDATES)[number];

/** Messages that a consumer gets at once: 1,000 events in envelopes of 50, and the most that the platform hands over. */
const BATCH: Record<Name, number> = { tidings: 20, tutorial: 100 };

const DAY = 86_400;
/** Ahead of the real time, for alarms that are due by the real clock would ring by themselves. Unix time, seconds. */
const BEGAN = (Math.floor(Date.now() / 1000 / DAY) + 30) * DAY;

const LINES: readonly [keyof Counts, string][] = [
  ["requests", "Worker requests (POSTs, batches)"],
  ["ms", "CPU ms (wall time, an upper bound)"],
  ["queueOperations", "queue operations"],
  ["objectRequests", "object requests (alarms included)"],
  ["objectRows", "object rows written"],
  ["d1RowsWritten", "D1 rows written"],
  ["d1RowsRead", "D1 rows read"],
  ["r2Writes", "R2 class A"],
  ["r2Reads", "R2 class B"],
];

interface Bill {
  mails: number;
  candidate: Name;
  events: number;
  counts: Counts;
}

export async function bill(quick: boolean, progress: Progress): Promise<PartResult> {
  const contacts = quick ? 400 : 1_000;
  const bills: Bill[] = [];
  for (const mails of [4, 1]) {
    for (const candidate of CANDIDATES)
      bills.push(
        await billMonth(candidate, contacts, mails, (words) => progress.show(bills.length, 4, words)),
      );
  }
  return resultOf(bills, await countCosts(quick ? 1_000 : 5_000, progress));
}

async function billMonth(
  candidate: Name,
  contacts: number,
  mails: number,
  tell: (words: string) => void,
): Promise<Bill> {
  const lab = await startLab();
  const total: Bill = { mails, candidate, events: 0, counts: zero() };
  const run = async (day: number, who: readonly number[], alarms: string[] = []): Promise<Counts> => {
    tell(`${candidate}, ${mails} a month: day ${day}`);
    return await runDay(lab, { candidate, day, who, alarms });
  };
  const everybody = Array.from({ length: contacts }, (_, i) => i);
  const [known, fresh] = [everybody.filter((i) => i % 2 === 0), everybody.filter((i) => i % 2 === 1)];
  await run(-14, known); // the month before, which another bill had
  for (let mail = 0; mail < mails; mail++) {
    // The alarm is set 31 days ahead with a contact's first mail, so it rings once for each within these 31 days.
    add(total.counts, await run(mail * 7, everybody));
    total.events += everybody.length * KINDS.length;
    if (mail * 7 === 14) add(total.counts, await run(17, [], known.map(contactOf)));
  }
  if (mails < 3) add(total.counts, await run(17, [], known.map(contactOf)));
  add(total.counts, await run(31, [], fresh.map(contactOf)));
  await lab.stop();
  return total;
}

async function startLab(): Promise<Running> {
  const object = (exportName: string) => ({ type: "durable-object", worker: "bench", exportName }) as const;
  const lab = await start({
    entry: "test/bench/labs/bill.ts",
    env: {
      ...tidingsBindings(),
      CONTACTS: object("CountedContact"),
      SEEN: object("CountedSeenContact"),
      DB_TUTORIAL: { type: "d1", id: "tutorial" },
      SCHEMA: { type: "json", value: schema() },
      WEBHOOK_AUTH: { type: "text", value: CREDENTIALS.mailjet },
    },
    objects: ["CountedContact", "CountedSeenContact"],
  });
  await askLab<null>(lab, "/schema", null);
  return lab;
}

interface Day {
  candidate: Name;
  day: number;
  /** Numbers of the contacts that get a mail. */
  who: readonly number[];
  /** Addresses of those whose alarm rings. */
  alarms: string[];
}

/** A day's mail to some contacts, its reports an hour apart, and the alarms that are due. */
async function runDay(lab: Running, { candidate, day, who, alarms }: Day): Promise<Counts> {
  const counts = zero();
  const batch = BATCH[candidate];
  for (const [hour, kind] of KINDS.entries()) {
    const time = BEGAN + day * DAY + hour * 3600;
    const plans = who.map((contact, i): EventPlan => {
      const leaves = kind === "click" && i % 100 === 99;
      // A slice's events happened within ten minutes.
      return {
        kind: leaves ? "unsub" : kind,
        mail: (day + 50) * 10_000 + contact,
        contact,
        time: time + (i % 600),
      };
    });
    if (plans.length > 0)
      add(
        counts,
        await askLab<Counts>(lab, "/", {
          candidate,
          now: (time + 900) * 1000,
          plans,
          batch,
          alarms: [],
        } satisfies Stage),
      );
  }
  if (alarms.length > 0 && candidate === "tidings") {
    const now = (BEGAN + day * DAY + 2 * 3600) * 1000;
    add(counts, await askLab<Counts>(lab, "/", { candidate, now, plans: [], batch, alarms } satisfies Stage));
  }
  return counts;
}

function zero(): Counts {
  return {
    requests: 0,
    queueOperations: 0,
    objectRequests: 0,
    objectRows: 0,
    d1RowsWritten: 0,
    d1RowsRead: 0,
    r2Writes: 0,
    r2Reads: 0,
    ms: 0,
  };
}

function add(sum: Counts, more: Counts): void {
  for (const [name] of LINES) sum[name] += more[name];
}

/** Dollars for a million events. */
function dollarsOf({ counts, events }: Bill): number {
  const sum = LINES.reduce((dollars, [name]) => dollars + counts[name] * PRICES[name], 0);
  return ((sum + durationDollars(counts.ms)) / events) * 1e6;
}

function resultOf(bills: readonly Bill[], pipes: readonly PipeCost[]): PartResult {
  const [tidings, tutorial] = bills;
  if (tidings === undefined || tutorial === undefined) throw new Error("nothing was billed");
  const row = (words: string, quantity: (bill: Bill) => string): string[] => [words, ...bills.map(quantity)];
  return {
    tables: [
      {
        title: "The bill for a million events",
        columns: [
          "",
          ...bills.map(
            ({ candidate, mails }) => `${candidate}, ${mails} mail${mails > 1 ? "s" : ""} a contact`,
          ),
        ],
        rows: [
          ...LINES.map(([name, words]) =>
            row(words, ({ counts, events }) => digits((counts[name] / events) * 1e6)),
          ),
          ...LINES.map(([name, words]) =>
            row(`$ ${words}`, ({ counts, events }) =>
              ((counts[name] * PRICES[name] * 1e6) / events).toFixed(3),
            ),
          ),
          row("$ object duration (an upper bound)", ({ counts, events }) =>
            ((durationDollars(counts.ms) / events) * 1e6).toFixed(3),
          ),
          row("$ all in", (bill) => dollarsOf(bill).toFixed(2)),
        ],
        notes: [
          "A month of mail a week apart; three events a mail, told an hour apart; 50 events a POST; half of the contacts new;",
          "1,000 events a batch for Tidings, 100 for the tutorial; a tutorial's object never forgets and pays for no alarm.",
          "Beyond what the plan includes; without storage by the month.",
        ],
      },
      billTable(pipes),
    ],
    charts: [
      {
        name: "dollars",
        title: "The bill for a million events",
        axis: "US dollars",
        groups: bills.map((bill) => ({
          label: `${bill.candidate}, ${bill.mails} a month`,
          bars: [{ series: "all in", value: dollarsOf(bill) }],
        })),
      },
    ],
    targets: [
      { what: "dollars per million events, all in", got: dollarsOf(tidings), bound: { most: 4 }, unit: " $" },
      {
        what: "dollars per million events, Tidings / tutorial",
        got: dollarsOf(tidings) / dollarsOf(tutorial),
        bound: { most: 0.5 },
        unit: "",
      },
    ],
    data: { bills, pipes },
  };
}
