// The spool: queue messages that wait in the bucket because the queue did not accept them, or because they came by the
// backup path. A scheduled job moves them into the queue. Moving one twice is harmless, because the envelope's id
// stays.

import { within } from "../lib/deadline.ts";
import { inPool } from "../lib/pool.ts";
import { SPOOL, spoolKey } from "../store/bucket/layout.ts";

/** The limits of sendBatch are 100 messages and 256 KB, of which the platform needs some itself. */
const MOST_MESSAGES = 100;
const MOST_BYTES = 240_000;
/**
 * What one run does: objects, each one of 100,000 subrequests, and ms before the next run. At the bucket's usual speed
 * that is more than a hundred messages a second, so the spool is emptied faster than one provider fills it.
 */
const MOST_A_RUN = 20_000;
const MOST_TIME = 40_000;
/** Objects of one list call, and groups that are moved at the same time. */
const PAGE = 1_000;
const AT_ONCE = 4;
const SEND_DEADLINE = 10_000;

/** Puts a queue message into the spool under `id`. Rejects if the bucket refuses it. */
export async function spool(bucket: R2Bucket, id: string, message: Uint8Array): Promise<void> {
  await bucket.put(spoolKey(id), message);
}

/**
 * Moves spooled messages into the queue, oldest first, until the run's share is done. Resolves to how many. Rejects if
 * the queue or the bucket fails.
 */
export async function sweep(env: Pick<Env, "QUEUE" | "BUCKET">): Promise<number> {
  const until = Date.now() + MOST_TIME;
  let moved = 0;
  let after = "";
  for (let seen = 0; seen < MOST_A_RUN && Date.now() < until; seen += PAGE) {
    const from = after === "" ? {} : { startAfter: after };
    const { objects, truncated } = await env.BUCKET.list({ prefix: SPOOL, limit: PAGE, ...from });
    await inPool(inGroups(objects), { atOnce: AT_ONCE }, async (group) => {
      const count = Date.now() < until ? await move(env, group) : 0;
      moved += count; // not in one expression, because groups are moved at the same time
    });
    after = objects.at(-1)?.key ?? "";
    if (!truncated) break;
  }
  return moved;
}

function inGroups(objects: readonly R2Object[]): string[][] {
  const groups: string[][] = [];
  let bytes = Infinity;
  for (const { key, size } of objects) {
    const last = groups.at(-1);
    if (last === undefined || last.length >= MOST_MESSAGES || bytes + size > MOST_BYTES) {
      groups.push([key]);
      bytes = size;
    } else {
      last.push(key);
      bytes += size;
    }
  }
  return groups;
}

async function move(env: Pick<Env, "QUEUE" | "BUCKET">, keys: string[]): Promise<number> {
  const bodies = await Promise.all(keys.map(async (key) => await (await env.BUCKET.get(key))?.arrayBuffer()));
  const messages = bodies.flatMap((body) =>
    body === undefined ? [] : [{ body: new Uint8Array(body), contentType: "bytes" as const }],
  );
  if (messages.length === 0) return 0; // another run has moved them already
  await within(SEND_DEADLINE, "the queue", env.QUEUE.sendBatch(messages));
  await env.BUCKET.delete(keys);
  return messages.length;
}
