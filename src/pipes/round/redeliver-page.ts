// Passes on again what people asked for: a page of the first redelivery that is under way.

import { storeOf } from "../../store/db.ts";
import { moveBefore, moveBehind } from "../../store/feed-position.ts";
import { readFeed } from "../../store/events/events.ts";
import { eventRow } from "../rows.ts";
import { select } from "../select.ts";
import type { Redelivery } from "../state.ts";
import type { Progress, Round } from "./context.ts";
import { deliver } from "./deliver.ts";
import { PAGE_ROWS } from "./reader.ts";

/** Delivers the next page of the first redelivery. */
export async function redeliverPage(round: Round): Promise<Progress> {
  const { env, pipe, state } = round;
  const [first] = state.current().redeliveries;
  if (first === undefined) return "idle";
  const { after, last, filter } = first;
  const events = await readFeed(storeOf(env), { after, last, limit: PAGE_ROWS });
  const rows = events.map(eventRow);
  const selection = await select(env, pipe, rows, filter);
  const { end } = await deliver(round, "events", selection, (now, undone) => {
    const next = nextPart(first, rows, undone);
    const redeliveries = now.redeliveries.flatMap((one) => (one.id !== first.id ? [one] : (next ?? [])));
    return { ...now, redeliveries };
  });
  return end ?? "more";
}

/** What is left of a redelivery once a page is delivered; null if nothing is. */
function nextPart(
  redelivery: Redelivery,
  rows: readonly { seq: number }[],
  undone: ReadonlySet<number>,
): Redelivery | null {
  const first = rows.find(({ seq }) => undone.has(seq));
  if (first !== undefined) return { ...redelivery, after: moveBefore(redelivery.after, first) };
  const last = rows.at(-1);
  if (last === undefined || rows.length < PAGE_ROWS) return null;
  return { ...redelivery, after: moveBehind(redelivery.after, last) };
}
