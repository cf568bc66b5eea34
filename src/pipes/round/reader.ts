// Reads a pipe's feeds page by page. While a page is delivered, it prepares the next one: in a long catch-up every wait
// for the database counts.

import { isSamePosition, moveBehind, type FeedPosition } from "../../store/feed-position.ts";
import { shardsOf } from "../../store/shards.ts";
import type { RunnablePipe } from "../load.ts";
import type { Row } from "../rows.ts";
import { isProbing } from "../circuit.ts";
import { select, type Selection } from "../select.ts";
import type { State } from "../state.ts";
import { createTurns, type NextRows } from "./turns.ts";

/** Rows in a page. Where many requests go at once, a page holds more, so that each request is full. */
export const PAGE_ROWS = 1_000;
const MOST_PAGE_ROWS = 4_000;
/** Rows in the page that probes a destination. It doubles each time that the filter keeps back all of them. */
export const PROBE_ROWS = 16;

/** A page of one feed. */
export interface FeedPage {
  rows: Row[];
  /** Those of the rows that are not done yet. */
  left: Row[];
  /** Which of `left` are passed on. */
  selection: Selection;
  /** How many rows were asked for. */
  limit: number;
  /** Whether more rows may follow, in this feed or in another one. A page of large events ends before its limit. */
  more: boolean;
}

/** The part of a pipe's state that says which rows come next. */
type Cursor = Pick<State, "positions" | "ahead" | "unfinished" | "circuit">;

/** Reads the feeds of one pipe. */
export interface Reader {
  /** Begins a new run: forgets the prepared page, which may hold what was erased meanwhile. */
  forget(): void;
  /**
   * The page behind the position: the prepared one, if the pipe and the position are those that it was prepared for.
   * The feed of which a page was left unfinished comes first, and then each in its turn.
   */
  events(pipe: RunnablePipe, cursor: Cursor): Promise<FeedPage>;
  /** Prepares the page behind this one, if there may be one. */
  prepare(pipe: RunnablePipe, cursor: Cursor, page: FeedPage): void;
  /** A page of system events. */
  systemEvents(pipe: RunnablePipe, cursor: Cursor): Promise<FeedPage>;
}

/** Makes a reader. */
export function createReader(env: Env): Reader {
  const shards = shardsOf(env);
  const turns = { events: createTurns(shards, "events"), notices: createTurns(shards, "notices") };
  let next: { pipe: RunnablePipe; after: FeedPosition; limit: number; page: Promise<FeedPage> } | null = null;
  /** Pages that were read in this run while the circuit was open. */
  let probes = 0;

  const pageOf = async (
    pipe: RunnablePipe,
    { ahead }: Cursor,
    { rows, more }: NextRows,
    limit: number,
  ): Promise<FeedPage> => {
    const done = new Set(ahead);
    const left = done.size === 0 ? rows : rows.filter(({ id }) => !done.has(id));
    return { rows, left, selection: await select(env, pipe, left), limit, more };
  };
  const read = async (
    pipe: RunnablePipe,
    cursor: Cursor,
    after: FeedPosition,
    limit: number,
  ): Promise<FeedPage> => {
    const first = cursor.unfinished?.events ?? null;
    return await pageOf(pipe, cursor, await turns.events({ after, limit, first }), limit);
  };
  return {
    forget: () => {
      next = null;
      probes = 0;
    },
    events: async (pipe, cursor) => {
      const prepared = next;
      const limit = limitFor(pipe, cursor, probes);
      next = null;
      if (cursor.circuit !== null) probes += 1;
      const after = cursor.positions.events;
      const fits =
        prepared?.pipe === pipe && prepared.limit === limit && isSamePosition(prepared.after, after);
      return fits ? await prepared.page : await read(pipe, cursor, after, limit);
    },
    prepare: (pipe, cursor, { rows, limit, more }) => {
      const last = rows.at(-1);
      if (last === undefined || !more || cursor.circuit !== null) return;
      const after = moveBehind(cursor.positions.events, last);
      const page = read(pipe, cursor, after, limit);
      page.catch(() => undefined); // it is awaited by `events`, and a failure counts there
      next = { pipe, after, limit, page };
    },
    systemEvents: async (pipe, cursor) => {
      const after = cursor.positions.notices;
      const first = cursor.unfinished?.notices ?? null;
      const next = await turns.notices({ after, limit: PAGE_ROWS, first });
      return await pageOf(pipe, cursor, next, PAGE_ROWS);
    },
  };
}

/** How many rows to read. `probes`: pages read so far in this run while the circuit was open. */
function limitFor({ kind, settings, options }: RunnablePipe, { circuit }: Cursor, probes: number): number {
  const { events } = kind.batchOf?.(settings) ?? kind.batch;
  const batch = Math.min(options.batch, events);
  const wave = options.concurrency * batch;
  // Whole waves, so that no lane waits for the last request of another one.
  const whole = Math.min(MOST_PAGE_ROWS, Math.ceil(Math.max(PAGE_ROWS, 2 * wave) / wave) * wave);
  if (circuit === null) return whole;
  const few = isProbing({ circuit }) ? PROBE_ROWS : Math.max(PROBE_ROWS, 2 * batch);
  return Math.min(whole, few * 2 ** probes);
}
