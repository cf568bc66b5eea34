// What a trial found, as tables.

import { digits, quantile } from "../figures.ts";
import type { Table } from "../results.ts";

/** One request. `rows` written and `size` of the database afterwards, bytes: null on this machine, where nobody tells. */
export interface Sample {
  events: number;
  rows: number | null;
  /** ms inside of D1 */
  duration: number;
  size: number | null;
}

export interface Trial {
  events: number;
  groups: { together: number; samples: Sample[] }[];
  /** The size when all was stored; then some events were deleted, and as many stored again. */
  freed: { full: number | null; deleted: Sample; again: Sample[] };
}

/** Null unless all of them were told. */
const rowsOf = (samples: readonly Sample[]): number | null =>
  samples.reduce<number | null>((sum, { rows }) => (sum === null || rows === null ? null : sum + rows), 0);

export function trialTables({ events, groups, freed }: Trial): Table[] {
  const { full, deleted, again } = freed;
  const mb = (bytes: number | null | undefined): string =>
    typeof bytes === "number" ? digits(bytes / 1e6) : "-";
  return [
    {
      title: `Storing ${events.toLocaleString("en-US")} events in D1, without Tidings around it`,
      columns: [
        "events together",
        "requests",
        "ms inside of D1, p50",
        "p95",
        "events/s inside",
        "rows an event",
        "MB after",
      ],
      rows: groups.map(({ together, samples }) => {
        const durations = samples.map(({ duration }) => duration);
        const stored = together * samples.length;
        const inside = durations.reduce((sum, ms) => sum + ms, 0);
        return [
          together.toLocaleString("en-US"),
          digits(samples.length),
          digits(quantile(durations, 0.5)),
          digits(quantile(durations, 0.95)),
          digits((stored * 1_000) / inside),
          digits((rowsOf(samples) ?? NaN) / stored),
          mb(samples.at(-1)?.size),
        ];
      }),
      notes: ["Rows of events, messages and the feed; counters are not among them."],
    },
    {
      title: "Whether the size counts what was freed",
      columns: ["", "MB"],
      rows: [
        ["all stored", mb(full)],
        [
          `after deleting a part of the events (${digits(deleted.rows ?? NaN)} rows written, ${digits(deleted.duration)} ms)`,
          mb(deleted.size),
        ],
        [`after storing ${digits(again.length * 5_000)} more`, mb(again.at(-1)?.size)],
      ],
    },
  ];
}
