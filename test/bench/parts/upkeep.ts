// Upkeep: what is done with events long after they were stored. Contacts are erased, what is old ends, and history is read
// anew, in a small store and in a large one; a lost database is rebuilt. All times are told in what storing an event takes
// in the same run.

import type { Progress } from "../../../src/cli/progress.ts";
import type { PartResult } from "../results.ts";
import { measureErasure } from "../upkeep/erasure.ts";
import { measureHistory } from "../upkeep/history.ts";
import { startLab, type Scale } from "../upkeep/lab.ts";
import { measureRebuild } from "../upkeep/rebuild.ts";
import { measureRetention } from "../upkeep/retention.ts";

const FULL: Scale = {
  filled: { small: 10_000, large: 200_000 },
  old: 15,
  read: 12,
  erased: 3,
  sizes: [10, 100, 600],
};
const QUICK: Scale = {
  filled: { small: 4_000, large: 16_000 },
  old: 9,
  read: 3,
  erased: 1,
  sizes: [10, 100, 600],
};

/** Slices of a thousand events from which a database is rebuilt. */
const REBUILT = { full: 20, quick: 6 };

/** For how long dry runs follow one another, s. */
const WALKS = { full: 15, quick: 3 };

export async function upkeep(quick: boolean, progress: Progress): Promise<PartResult> {
  const all = await startLab(quick ? QUICK : FULL, progress);
  const history = await measureHistory(all, quick ? WALKS.quick : WALKS.full, progress);
  const erasure = await measureErasure(all, progress);
  const retention = await measureRetention(all, progress);
  await all.lab.stop();
  const rebuild = await measureRebuild(quick ? REBUILT.quick : REBUILT.full, progress);
  const parts = [erasure, retention, history, rebuild];
  return {
    tables: parts.flatMap(({ tables }) => tables),
    charts: parts.flatMap(({ charts }) => charts),
    targets: parts.flatMap(({ targets }) => targets),
    data: {
      stored: all.stored,
      erasure: erasure.data,
      retention: retention.data,
      history: history.data,
      rebuild: rebuild.data,
    },
  };
}
