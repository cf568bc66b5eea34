// What a pipe's object stores about itself: its positions and its destination. One value, written once for each page of a
// feed, and of bounded size.

import type { FeedPositions } from "../store/pipes/pipes.ts";
import type { DestinationState, OpenCircuit } from "./circuit.ts";
import type { Redeliveries, Redelivery } from "./redeliveries.ts";

/** The feeds that a pipe reads: stored events, and system events (named as in stored states). */
export type Feed = keyof FeedPositions;

/** The state of a pipe. */
export interface State extends DestinationState {
  id: string;
  positions: FeedPositions;
  /** Ids of rows behind the positions that are done already, because a request for an earlier row is not. */
  ahead: string[];
  /**
   * With several databases: the number of the feed whose page was left with rows that are not done, by sort of feed. It is
   * read first, so that `ahead` stays short. Missing if that is the first feed, or there is none.
   */
  unfinished?: Partial<Record<Feed, number>>;
  /** Always empty: they have a table of their own. Earlier versions kept them here, and still read the list. */
  redeliveries: Redelivery[];
  /** Events in a row for which the filter failed. */
  consecutiveFilterErrors: number;
  /** How many events the filter kept back, and how many were given up. */
  filtered: number;
  given_up: number;
  /** How many waiting events were let go, by a person or because of a changed filter. */
  discarded: number;
  /**
   * A filter was changed, so that the waiting events have to pass it as well: from which revision of the pipe it applies,
   * and behind which of them the look goes on. Null or missing if there is nothing to look at.
   */
  refilter?: { revision: number; feed: Feed; seq: number } | null;
  /** How many events the destination had no use for: it does not know their contact. */
  skipped: number;
}

/** What of the state people see. */
type Healthy = Pick<
  State,
  | "positions"
  | "circuit"
  | "consecutiveRefusals"
  | "delivered"
  | "delivered_at"
  | "failed_at"
  | "failing_since"
  | "failure"
  | "filtered"
  | "given_up"
  | "discarded"
  | "skipped"
>;

/** How a pipe is doing; times in ms. */
export interface PipeHealth extends Healthy {
  /** How many redeliveries are under way. */
  redeliveries: number;
  /** How many events failed alone and wait to be tried again. */
  retries: number;
  /** How many of these a person asked for. */
  asked: number;
  /** When the object's alarm goes off; null if nothing is due. */
  next_at: number | null;
}

/** The part of the state that people see. */
export function healthOf(state: State): Healthy {
  const { positions, circuit, consecutiveRefusals, failing_since, failure } = state;
  const { delivered, delivered_at, failed_at, filtered, given_up, discarded, skipped } = state;
  const failing = { circuit, consecutiveRefusals, failing_since, failure };
  return {
    positions,
    ...failing,
    delivered,
    delivered_at,
    failed_at,
    filtered,
    given_up,
    discarded,
    skipped,
  };
}

/** The state of a pipe that begins. */
export function newState(id: string, positions: FeedPositions): State {
  return {
    id,
    positions,
    ahead: [],
    consecutiveFailures: 0,
    consecutiveDenials: 0,
    consecutiveRefusals: 0,
    failing_since: null,
    circuit: null,
    redeliveries: [],
    consecutiveFilterErrors: 0,
    delivered: 0,
    filtered: 0,
    given_up: 0,
    discarded: 0,
    skipped: 0,
    delivered_at: null,
    failed_at: null,
    failure: null,
  };
}

/** The state in the object's storage, and a copy in memory. */
export interface StateStore {
  /** Null where the pipe has not begun, or was deleted. */
  load(): State | null;
  /** The state of a pipe at work. Throws if it was deleted meanwhile, so that nothing is written any more. */
  current(): State;
  save(state: State): void;
  /** Drops the copy in memory. */
  forget(): void;
}

const KEY = "state";

/** Opens the state in an object's storage. Redeliveries that an earlier version stored in it move to their table. */
export function openState({ kv }: Pick<DurableObjectStorage, "kv">, redeliveries: Redeliveries): StateStore {
  let state: State | null = null;
  const load = (): State | null => {
    if (state !== null) return state;
    const stored = kv.get<StoredState>(KEY);
    state = stored === undefined ? null : convertOld(stored);
    if (state === null || state.redeliveries.length === 0) return state;
    for (const one of state.redeliveries) redeliveries.add(one);
    state = { ...state, redeliveries: [] };
    kv.put(KEY, state);
    return state;
  };
  return {
    load,
    current: () => {
      const loaded = load();
      if (loaded === null) throw new Error("the pipe was deleted");
      return loaded;
    },
    save: (next) => {
      state = next;
      kv.put(KEY, next);
    },
    forget: () => {
      state = null;
    },
  };
}

/** What later versions added to the state. */
type Added = "consecutiveDenials" | "failing_since" | "discarded" | "skipped";
type StoredState = (Omit<State, Added> & Partial<Pick<State, Added>>) | OldState;

/** The state as the first version stored it, with other names for the same. */
interface OldState extends Omit<
  State,
  "positions" | "consecutiveFailures" | "consecutiveRefusals" | "consecutiveFilterErrors" | "circuit" | Added
> {
  place: FeedPositions;
  streak: number;
  refusals: number;
  unevaluated: number;
  down:
    | (Pick<OpenCircuit, "reason" | "since" | "until"> & { verdict: OpenCircuit["result"]; looks: number })
    | null;
}

/** The state under today's names. The next time it is saved, these are stored. */
function convertOld(stored: StoredState): State {
  const added = { consecutiveDenials: 0, failing_since: null, discarded: 0, skipped: 0 };
  if (!("place" in stored)) return { ...added, ...stored };
  const { place, streak, refusals, unevaluated, down, ...same } = stored;
  return {
    ...added,
    ...same,
    positions: place,
    consecutiveFailures: streak,
    consecutiveRefusals: refusals,
    consecutiveFilterErrors: unevaluated,
    circuit: down === null ? null : circuitOf(down),
  };
}

function circuitOf({ verdict, looks, reason, since, until }: NonNullable<OldState["down"]>): OpenCircuit {
  return { result: verdict, reason, since, until, probes: looks };
}
