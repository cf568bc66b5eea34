// Restores pipes from the journal, once everything else is there. The new feed gives every event a new place, so a restored
// pipe is a new one under its old name: what its object knew about places in the old feed means nothing any more. It reads
// the new feed from the beginning, so that it misses nothing that came meanwhile, and a condition in its filter passes over
// what it had delivered before. The condition is shown with the pipe, and people may change it.

import { pipeOf } from "../config/objects.ts";
import { newId } from "../lib/time-id.ts";
import { MINUTE } from "../lib/time.ts";
import { readActs, type JournaledPipe } from "../store/bucket/journal.ts";
import { ACTS } from "../store/bucket/layout.ts";
import { storeOf } from "../store/db.ts";
import { BEGINNING } from "../store/feed-position.ts";
import { announcePipes } from "../store/pipes/announced.ts";
import { addPipe, listPipes, pausePipe } from "../store/pipes/pipes.ts";
import { shardsOf } from "../store/shards.ts";
import type { Rebuild } from "../store/rebuild/rebuilds.ts";
import { checkFilter } from "../pipes/check-filter.ts";
import type { Run } from "./step.ts";

/** How long before its last delivery an event may have been received that the pipe had not delivered, ms. */
const SLACK = 15 * MINUTE;

/**
 * Restores all pipes that were not deleted and whose names are free. Resolves to how many. Those that had secrets stay
 * paused until a person passes them anew. Repeating it restores the rest.
 */
export async function restorePipes({ env }: Run, { asked_at }: Rebuild): Promise<number> {
  const last = new Map<string, JournaledPipe>();
  for (let after = "", more = true; more;) {
    const from = after === "" ? {} : { startAfter: after };
    const page = await env.BUCKET.list({ prefix: ACTS, ...from });
    for (const { key } of page.objects)
      for (const line of await readActs(env.BUCKET, key)) {
        if (line.kind === "pipe" && line.pipe.revision >= (last.get(line.pipe.id)?.revision ?? 0))
          last.set(line.pipe.id, line.pipe);
        if (line.kind === "pipe deleted") last.delete(line.id);
      }
    after = page.objects.at(-1)?.key ?? after;
    more = page.truncated;
  }
  const present = new Set((await listPipes(storeOf(env))).map(({ name }) => name));
  const lost = [...last.values()]
    .filter(({ name }) => !present.has(name))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const now = Date.now();
  for (const [index, pipe] of lost.entries())
    await restorePipe(env, pipe, { id: newId(now + index), now, askedAt: asked_at }); // pipes are listed by id
  return lost.length;
}

async function restorePipe(
  env: Env,
  pipe: JournaledPipe,
  { id, now, askedAt }: { id: string; now: number; askedAt: number },
): Promise<void> {
  const { had_secrets, paused, ...record } = pipe;
  const delivered = (await pipeOf(env, pipe.id).health())?.delivered_at ?? null;
  const wanted = passingOver(record.filter, (delivered ?? askedAt) - SLACK);
  const isUsable = (await checkFilter(env, wanted)).ok;
  const filter = isUsable ? wanted : record.filter;
  const start = { events: BEGINNING, notices: BEGINNING };
  const restored = { ...record, id, filter, start, secrets: null, paused: null, paused_at: null };
  await announcePipes(shardsOf(env), now);
  if ((await addPipe(storeOf(env), restored)) !== null) return;
  const reason = had_secrets ? SECRETS : isUsable ? paused : FILTER;
  if (reason !== null) await pausePipe(storeOf(env), { pipe: restored, reason, at: now, told: false });
  await pipeOf(env, id).begin(id, start);
  await pipeOf(env, pipe.id).destroy();
}

const SECRETS = "restored without its secrets: pass them with PATCH, then resume";
const FILTER =
  "restored, but its filter has no room for a condition on received_at: skip the old events, then resume";

/** The filter, and a condition that leaves out events received before `time` (ms). System events have no such time. */
function passingOver(filter: string | null, time: number): string {
  const isNew = `!(received_at < timestamp("${new Date(time).toISOString()}"))`;
  return filter === null ? isNew : `${isNew} && (${filter})`;
}
