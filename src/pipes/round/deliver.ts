// Delivers the selected rows of a page: sends them, sets aside those that failed alone, and stores where that leaves
// the pipe.

import type { AttemptRecord } from "../../store/pipes/delivery-log.ts";
import { judgeDelivery } from "../circuit.ts";
import type { SelectedRow, Selection } from "../select.ts";
import type { Feed, State } from "../state.ts";
import type { Round } from "./context.ts";
import type { Dispatched } from "./dispatch.ts";
import { notEvaluated, writeLog } from "./log.ts";
import { eventWait } from "./retry-schedule.ts";
import { send } from "./send.ts";

/** A filter that fails for so many events in a row is wrong, and people have to mend it. */
const MOST_FILTER_ERRORS = 1_000;

/** What came of the selected rows. */
export interface Delivery {
  /** Seqs of rows that were not tried, or have to be tried as if they had not been. */
  undone: ReadonlySet<number>;
  /** Why the round ends here; null if it goes on. */
  end: "stopped" | "paused" | null;
}

/**
 * Delivers a selection. `move` gives the state once that is done; it is stored together with the state of the
 * destination.
 */
export async function deliver(
  round: Round,
  feed: Feed,
  { passed, failed }: Selection,
  move: (state: State, undone: ReadonlySet<number>) => State,
): Promise<Delivery> {
  const { pipe, state, retries } = round;
  const before = state.current().consecutiveFilterErrors;
  const consecutiveFilterErrors = failed.length === 0 && passed.length > 0 ? 0 : before + failed.length;
  if (consecutiveFilterErrors >= MOST_FILTER_ERRORS) {
    const end = await round.pause(`the filter fails for every event: ${failed[0]?.reason ?? ""}`);
    return { undone: new Set(), end };
  }
  const log: AttemptRecord[] = failed.map(({ row, reason }) => notEvaluated(pipe.record.id, row, reason));
  const waiting = pipe.options.ordered
    ? retries.waitingGroups(passed.map(({ group }) => group))
    : new Set<string>();
  const [behind, free] = partition(passed, ({ group }) => waiting.has(group));
  const dispatched = await send(round, free, log, { tries: 1, retried: false });
  await writeLog(round, log);
  state.current(); // nothing more is written if the pipe was deleted meanwhile
  const undone = setFailedAside(round, feed, free, dispatched);
  for (const one of behind) setAside(round, feed, one, { tries: 0, reason: "waits for an earlier one" });
  const refused = [...dispatched.failed.values()].filter((failure) => failure.refused).length;
  const end = await settle(round, { ...dispatched, refused }, (now) =>
    move({ ...now, consecutiveFilterErrors }, undone),
  );
  return { undone, end };
}

/**
 * Stores what a delivery says about the destination, together with what `move` changes; pauses the pipe if that
 * follows. `refused`: how many events it refused at their first try.
 */
export async function settle(
  { state, pause }: Round,
  { delivered, skipped, failed, refused, ...found }: Dispatched & { refused: number },
  move: (state: State) => State,
): Promise<Delivery["end"]> {
  const [first] = failed.values();
  const findings = { ...found, delivered: delivered.size, refused, failure: first?.reason ?? null };
  const moved = move(state.current());
  const counted = { ...moved, skipped: moved.skipped + skipped.size };
  const decision = judgeDelivery(counted, findings, Date.now(), Math.random());
  state.save(decision.state);
  if (decision.pause !== null) return await pause(decision.pause);
  return decision.stopped ? "stopped" : null;
}

/** Sets aside the rows that failed alone. Returns the seqs of those that were neither delivered nor set aside. */
function setFailedAside(
  round: Round,
  feed: Feed,
  sent: readonly SelectedRow[],
  { delivered, skipped, failed }: Dispatched,
): ReadonlySet<number> {
  const undone = new Set<number>();
  for (const [index, one] of sent.entries()) {
    const failure = failed.get(index);
    if (failure !== undefined)
      setAside(round, feed, one, { tries: failure.tried ? 1 : 0, reason: failure.reason });
    else if (!delivered.has(index) && !skipped.has(index)) undone.add(one.row.seq);
  }
  return undone;
}

/** Keeps an event for another try: at once if it was not tried yet, else after the first wait. */
function setAside(
  { retries }: Round,
  feed: Feed,
  { row: { id, seq }, group }: SelectedRow,
  { tries, reason }: { tries: 0 | 1; reason: string },
): void {
  const wait = tries === 0 ? 0 : (eventWait(tries, Math.random()) ?? 0);
  retries.put({ feed, seq, id, grp: group, tries, due: Date.now() + wait, reason, asked: 0 });
}

/** Those that pass the test, and the others. */
function partition<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  const yes: T[] = [];
  const no: T[] = [];
  for (const item of items) (test(item) ? yes : no).push(item);
  return [yes, no];
}
