// How many events come a day lately, from the counters.

import { DAY } from "../../lib/time.ts";
import type { Db } from "../db.ts";
import { readFeed } from "../events/feed.ts";
import { BEGINNING } from "../feed-position.ts";
import { readStats } from "../stats/stats.ts";

/** Events a day, and over how many full days (UTC) that is the mean. */
export interface Rate {
  perDay: number;
  days: number;
}

const MOST_DAYS = 7;

/**
 * The rate of the last seven full days; of fewer if the oldest stored event is younger. Null before the first full day
 * is over, or if nothing is stored. `now`: ms.
 */
export async function readRate(db: Db, now: number): Promise<Rate | null> {
  const to = Math.floor(now / DAY) * DAY;
  const { events } = await readFeed(db, { after: BEGINNING, limit: 1 });
  const [oldest] = events;
  if (oldest === undefined) return null;
  const from = Math.max(to - MOST_DAYS * DAY, Math.ceil(oldest.received_at / DAY) * DAY);
  if (from >= to) return null;
  const { groups } = await readStats(db, { from, to, bucket: "none", by: "none", limit: 1 });
  const days = (to - from) / DAY;
  return { perDay: (groups[0]?.counts.events ?? 0) / days, days };
}
