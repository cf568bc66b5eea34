// Passes on again what people asked for: a page of the first redelivery that is under way.

import { moveBefore, moveBehind, type FeedPosition } from "../../store/feed-position.ts";
import { readPart } from "../../store/events/feeds.ts";
import { shardsOf } from "../../store/shards.ts";
import { eventRow } from "../rows.ts";
import { select } from "../select.ts";
import type { Progress, Round } from "./context.ts";
import { deliver } from "./deliver.ts";
import { PAGE_ROWS } from "./reader.ts";

/** Delivers the next page of the first redelivery. */
export async function redeliverPage(round: Round): Promise<Progress> {
  const { env, pipe, redeliveries } = round;
  const first = redeliveries.first();
  if (first === null) return "idle";
  const { last, filter } = first;
  const { events, more, after } = await readPart(shardsOf(env), {
    after: first.after,
    last,
    limit: PAGE_ROWS,
  });
  const rows = events.map(eventRow);
  const selection = await select(env, pipe, rows, filter);
  const { end } = await deliver(round, "events", selection, (now, undone) => {
    const next = nextPosition(after, { rows, more }, undone);
    // In one write with the state, which is saved without waiting for anything in between.
    if (next === null) redeliveries.drop(first.id);
    else redeliveries.move(first.id, next);
    return now;
  });
  return end ?? "more";
}

/** Where a redelivery goes on once a page is delivered; null if nothing is left of it. */
function nextPosition(
  after: FeedPosition,
  { rows, more }: { rows: readonly { seq: number }[]; more: boolean },
  undone: ReadonlySet<number>,
): FeedPosition | null {
  const first = rows.find(({ seq }) => undone.has(seq));
  if (first !== undefined) return moveBefore(after, first);
  const last = rows.at(-1);
  return last === undefined || !more ? null : moveBehind(after, last);
}
