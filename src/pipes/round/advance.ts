// Delivers a page of a feed and moves the pipe's position behind what is done.

import { feedOf, isBehind, moveBefore, moveBehind } from "../../store/feed-position.ts";
import type { Feed, State } from "../state.ts";
import type { Progress, Round } from "./context.ts";
import { deliver } from "./deliver.ts";
import type { FeedPage } from "./reader.ts";

/** Delivers the page that lies behind the pipe's position. */
export async function advance(round: Round, feed: Feed, page: FeedPage): Promise<Progress> {
  if (page.rows.length === 0) return "idle";
  if (feed === "events") round.reader.prepare(round.pipe, round.state.current(), page);
  const { undone, end } = await deliver(round, feed, page.selection, (state, undone) =>
    moveCursor(state, feed, page, undone),
  );
  if (end !== null) return end;
  return page.more || undone.size > 0 ? "more" : "idle";
}

/**
 * The state once a page is delivered: its position stands before the first row that is not done, or behind the page.
 * Rows behind that one that are done are listed in `ahead`. `undone`: seqs of the rows that are not done.
 */
export function moveCursor(
  state: State,
  feed: Feed,
  { rows, left, selection }: Pick<FeedPage, "rows" | "left" | "selection">,
  undone: ReadonlySet<number>,
): State {
  const from = state.positions[feed];
  const first = rows.find(({ seq }) => undone.has(seq));
  const last = rows.at(-1) ?? { seq: 0 };
  if (isBehind(from, last)) return state; // a person let the pipe skip this page while it was under way
  const position = first === undefined ? moveBehind(from, last) : moveBefore(from, first);
  const done = rows.filter((row) => !isBehind(position, row) && !undone.has(row.seq));
  // `ahead` holds ids of both feeds; those of this page are listed anew.
  const own = new Set(rows.map(({ id }) => id));
  const others = state.ahead.filter((id) => !own.has(id));
  const passed = new Set(selection.passed.map(({ row }) => row.seq));
  const filtered = left.filter((row) => isBehind(position, row) && !passed.has(row.seq));
  return {
    ...withUnfinished(state, feed, first),
    positions: { ...state.positions, [feed]: position },
    ahead: [...others, ...done.map(({ id }) => id)],
    filtered: state.filtered + filtered.length,
  };
}

/** The state with a note of the feed whose page was left unfinished, unless it is the first feed. */
function withUnfinished(
  { unfinished = {}, ...state }: State,
  feed: Feed,
  left: { seq: number } | undefined,
): State {
  const { [feed]: _, ...other } = unfinished;
  const noted = left === undefined || feedOf(left.seq) === 0 ? other : { ...other, [feed]: feedOf(left.seq) };
  return Object.keys(noted).length === 0 ? state : { ...state, unfinished: noted };
}
