// The scheduled look at the size of each database. It keeps what it sees, because how much is free in the file shows only in
// comparison (src/model/storage/level.ts), and tells the log once a day, and at once when a threshold is passed.

import type { Config } from "../config/config.ts";
import { DAY, MINUTE } from "../lib/time.ts";
import { GB, levelOf, WAITS_FROM } from "../model/storage/level.ts";
import { reportOf } from "../model/storage/report.ts";
import { bindingOf } from "../model/storage/shards.ts";
import { shardsOf } from "../store/shards.ts";
import { forEach } from "../store/shards/each.ts";
import { keepLook, lookAtFill, noteTold, readFill } from "../store/storage/fill.ts";
import { readRate } from "../store/storage/rate.ts";

/** How often it looks, ms: each minute (0) where what is free decides whether events are stored. */
const OFTEN_FROM = 90;
const pauseAt = (percent: number): number => (percent >= OFTEN_FROM ? 0 : 10 * MINUTE);

/** Looks at each database, if it is time. `now`: ms. */
export async function watchStorage(env: Env, config: Config, now: number): Promise<void> {
  const { all } = shardsOf(env);
  await forEach(all, async ({ index, db }) => {
    const named = all.length === 1 ? {} : { database: bindingOf(index) };
    await look(db, config, named, now);
  });
}

async function look(
  db: D1Database,
  { storage, retention }: Config,
  named: { database?: string },
  now: number,
): Promise<void> {
  const before = await readFill(db, storage.limit);
  if (before.lookedAt !== null && now - before.lookedAt < pauseAt(levelOf(before).percent)) return;
  const fill = await lookAtFill(db, storage.limit);
  await keepLook(db, fill, now);
  const threshold = levelOf(fill).threshold ?? 0;
  if (!(await noteTold(db, Math.floor(now / DAY) * DAY, threshold))) return;
  const report = reportOf(fill, await readRate(db, now), retention.eventsDays, now);
  const figures = {
    ...named,
    percent: Number(report.percent.toFixed(1)),
    gigabytes: Number((report.used / GB).toFixed(3)),
    events: report.events,
    events_per_day: report.rate?.perDay ?? null,
    days_left: report.forecast?.daysLeft ?? null,
    storing: report.stores ? "on" : "waiting",
    findings: report.findings,
  };
  if (threshold === 0) console.log({ message: "the database's fill level", ...figures });
  else if (threshold < WAITS_FROM) console.warn({ message: "the database is filling", ...figures });
  else console.error({ message: "the database is nearly full", ...figures });
}
