// Suppressions are reported to pipes by triggers, and only while there is a pipe (0007_pipes.sql). Pipes stand in the
// home. So that the triggers of the other databases know of them, each of these holds a row in their place, which looks
// like a deleted pipe. Nothing but the triggers reads it. With one database there is none.

import { HOUR } from "../../lib/time.ts";
import type { Db } from "../db.ts";
import type { Shards } from "../shards.ts";

/** The id and the name of the row. */
const ROW = "elsewhere";

const ANNOUNCE = `
  INSERT INTO pipes (id, name, kind, settings, options, start, revision, created_at, changed_at, deleted_at)
  VALUES ('${ROW}', '${ROW}', '', '{}', '{}', '{}', 0, ?1, ?1, ?1)
  ON CONFLICT (id)`;

const inOthers = async ({ all }: Shards, run: (db: Db) => Promise<unknown>): Promise<void> => {
  await Promise.all(all.slice(1).map(async ({ db }) => await run(db)));
};

/** Announces a pipe that is about to be made. To be called before it takes its starting position. `now`: ms. */
export async function announcePipes(shards: Shards, now: number): Promise<void> {
  await inOthers(
    shards,
    async (db) =>
      await db.prepare(`${ANNOUNCE} DO UPDATE SET changed_at = excluded.changed_at`).bind(now).run(),
  );
}

/**
 * Sees to it that databases which came later know of the pipes too, and takes the rows away an hour after the last pipe
 * has gone: one may be in the making. `any`: whether the home has pipes; `now`: ms.
 */
export async function keepAnnounced(
  shards: Shards,
  { any, now }: { any: boolean; now: number },
): Promise<void> {
  await inOthers(shards, async (db) =>
    any
      ? await db.prepare(`${ANNOUNCE} DO NOTHING`).bind(now).run()
      : await db
          .prepare(`DELETE FROM pipes WHERE id = '${ROW}' AND changed_at < ?1`)
          .bind(now - HOUR)
          .run(),
  );
}
