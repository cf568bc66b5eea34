// Writes down that suppressions have ended by themselves. Whoever asks compares the time, so nothing depends on when this
// happens but the history, and the pipes, to which it is news.

import { forEach } from "../store/shards/each.ts";
import { shardsOf } from "../store/shards.ts";
import { endedSuppressions, type EndsCursor } from "../store/suppressions/ends.ts";
import { sendCommands } from "./send-commands.ts";

const A_STEP = 200;
const STEPS_A_RUN = 5;

/** Does a run's share of the work. Resolves to how many contacts had a suppression that ended. `now`: ms. */
export async function endSuppressions(env: Env, now: number): Promise<number> {
  const ended = await forEach(shardsOf(env).all, async ({ db }) => await endIn(env, db, now));
  return ended.reduce((sum, contacts) => sum + contacts, 0);
}

async function endIn(env: Env, db: D1Database, now: number): Promise<number> {
  let after: EndsCursor = [0, ""];
  let contacts = 0;
  for (let step = 0; step < STEPS_A_RUN; step++) {
    const ended = await endedSuppressions(db, now, after, A_STEP);
    await sendCommands(env, new Map(ended.map(({ contact }) => [contact, [{ kind: "expire" }]])));
    contacts += new Set(ended.map(({ contact }) => contact)).size;
    const last = ended.at(-1);
    if (last === undefined || ended.length < A_STEP) break;
    after = [last.expires_at, last.contact];
  }
  return contacts;
}
