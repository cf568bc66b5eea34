// The spool: queue messages that wait in the bucket because the queue did not accept them, or because they came by the
// backup path. A scheduled job moves them into the queue. Moving one twice is harmless, because the envelope's id
// stays.

import { within } from "../lib/deadline.ts";
import { SPOOL, spoolKey } from "../store/bucket/layout.ts";

/** The limits of sendBatch are 100 messages and 256 KB, of which the platform needs some itself. */
const MOST_MESSAGES = 100;
const MOST_BYTES = 240_000;
/** How many objects one run moves, because the platform allows 10,000 subrequests. The next run follows in a minute. */
const MOST_A_RUN = 2_000;
const SEND_DEADLINE = 10_000;

/** Puts a queue message into the spool under `id`. Rejects if the bucket refuses it. */
export async function spool(bucket: R2Bucket, id: string, message: Uint8Array): Promise<void> {
  await bucket.put(spoolKey(id), message);
}

/**
 * Moves spooled messages into the queue, oldest first. Resolves to how many. Rejects if the queue or the bucket fails.
 */
export async function sweep(env: Pick<Env, "QUEUE" | "BUCKET">): Promise<number> {
  const listed = await env.BUCKET.list({ prefix: SPOOL, limit: 1_000 });
  let { objects } = listed;
  if (listed.truncated) {
    const more = await env.BUCKET.list({ prefix: SPOOL, limit: MOST_A_RUN - 1_000, cursor: listed.cursor });
    objects = [...objects, ...more.objects];
  }
  let moved = 0;
  for (const group of inGroups(objects)) moved += await move(env, group);
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
