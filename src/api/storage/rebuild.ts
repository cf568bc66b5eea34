// /v1/storage/rebuild: brings back a lost or damaged database from the archive and the journal in the bucket.

import * as z from "zod";
import { newId } from "../../lib/time-id.ts";
import { continueRebuild } from "../../rebuild/run.ts";
import { storeOf } from "../../store/db.ts";
import { listPipes } from "../../store/pipes/pipes.ts";
import {
  beginRebuild,
  isRunning,
  PHASES,
  readRebuild,
  stopRebuild,
  type Rebuild,
} from "../../store/rebuild/rebuilds.ts";
import { ProblemError } from "../kit/problem.ts";
import { json, needs, problems } from "../kit/responses.ts";
import { createRoute, router } from "../kit/routes.ts";
import { time } from "../schemas.ts";
import { iso, isoOrNull } from "../views.ts";

/** How long a request works, ms. */
const SHARE = 20_000;

const count = z.int().min(0);
const Rebuilt = z
  .object({
    id: z.string(),
    status: z.enum(["running", "stopped", "done"]),
    phase: z
      .enum(PHASES)
      .describe(
        "What is read at present. Once it is `events`, everybody is suppressed who was, as far as it can be known",
      ),
    position: z.string().nullable().describe("Up to where the phase has come; null at its beginning"),
    asked_at: time,
    asked_by: z.string().describe("The name of the token"),
    finished_at: time.nullable(),
    restored: z.object({
      objects: count.describe("Objects of the archive that were read for their events"),
      deliveries: count,
      events: count.describe("Events that the database lacked"),
      acts: count.describe("Lines of the journal: what people did by hand"),
      dead_letters: count,
      pipes: count.describe("Without their secrets, and paused until these are passed anew"),
    }),
    skipped: count.describe("Objects of the bucket that could not be read, however often it was tried"),
    skipped_keys: z.array(z.string()).describe("Their keys, at most 100"),
  })
  .meta({ id: "Rebuild" });

/** The routes of /v1/storage/rebuild. */
export const rebuilding = router();

const NONE = "No rebuild was ever begun.";
const SEVERAL =
  "A deployment with several databases cannot be rebuilt yet: use D1's Time Travel for all of them.";

const begin = createRoute({
  ...needs("admin"),
  method: "post",
  path: "/",
  tags: ["Storage"],
  summary: "Rebuild the database from the archive and the journal, or continue",
  description:
    "For a database that was lost or damaged. Erasures come first, then what people did by hand, the suppressions, and the " +
    "events, oldest first. A request works for up to 20 seconds, and scheduled runs go on every minute; repeat the call to " +
    "be done sooner. It may be repeated and may break off anywhere: what is stored stays as it is. Deliveries may arrive " +
    "meanwhile. Restored events have new places in the feed, so pipes would pass them on: 409 while any pipe runs, and with several databases.",
  responses: { 200: json("How far it has come", Rebuilt), ...problems(409) },
});

rebuilding.openapi(begin, async (c) => {
  if (c.var.shards.all.length > 1) throw new ProblemError(409, SEVERAL);
  const db = storeOf(c.env);
  const before = await readRebuild(db);
  if (before === null || before.finished_at !== null) {
    const running = (await listPipes(db)).filter(({ paused }) => paused === null);
    if (running.length > 0)
      throw new ProblemError(409, `Pause these pipes first: ${running.map(({ name }) => name).join(", ")}.`);
  }
  await beginRebuild(db, { id: newId(Date.now()), at: Date.now(), by: c.var.token.name });
  const rebuild = await continueRebuild(c.env, Date.now() + SHARE);
  if (rebuild === null) throw new Error("the rebuild was not kept");
  return c.json(rebuildView(rebuild), 200);
});

const progress = createRoute({
  ...needs("admin"),
  method: "get",
  path: "/",
  tags: ["Storage"],
  summary: "How far the latest rebuild has come",
  responses: { 200: json("The latest rebuild", Rebuilt), ...problems(404) },
});

rebuilding.openapi(progress, async (c) => {
  const rebuild = await readRebuild(c.var.db);
  if (rebuild === null) throw new ProblemError(404, NONE);
  return c.json(rebuildView(rebuild), 200);
});

const stop = createRoute({
  ...needs("admin"),
  method: "delete",
  path: "/",
  tags: ["Storage"],
  summary: "Stop the rebuild; POST lets it go on from there",
  description: "What it has restored stays.",
  responses: { 200: json("The rebuild, stopped", Rebuilt), ...problems(404) },
});

rebuilding.openapi(stop, async (c) => {
  const db = storeOf(c.env);
  await stopRebuild(db, Date.now());
  const rebuild = await readRebuild(db);
  if (rebuild === null) throw new ProblemError(404, NONE);
  return c.json(rebuildView(rebuild), 200);
});

function rebuildView(rebuild: Rebuild): z.output<typeof Rebuilt> {
  const { id, phase, cursor, asked_at, asked_by, finished_at, skipped, skipped_keys } = rebuild;
  const { objects, deliveries, events, acts, dead_letters, pipes } = rebuild;
  return {
    id,
    status: finished_at !== null ? "done" : isRunning(rebuild) ? "running" : "stopped",
    phase,
    position: phase === "contacts" || cursor === "" ? null : cursor,
    asked_at: iso(asked_at),
    asked_by,
    finished_at: isoOrNull(finished_at),
    restored: { objects, deliveries, events, acts, dead_letters, pipes },
    skipped,
    skipped_keys: JSON.parse(skipped_keys) as string[],
  };
}
