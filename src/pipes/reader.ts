// Reads a pipe's feeds page by page, and while one is delivered prepares the next: in a long catch-up each wait for the
// database counts.

import { readFeed } from "../store/events/events.ts";
import { readSystemEvents } from "../store/pipes/system-events.ts";
import { loadWork } from "./lazy.ts";
import type { RunnablePipe } from "./load.ts";
import { eventRow, systemEventRow, type Row } from "./rows.ts";
import type { Selection } from "./select.ts";
import type { State } from "./state.ts";

/** Rows of a feed that are read at once; more of them where so many requests go at once that these would be few each. */
export const PAGE_ROWS = 1_000;
const MOST_SLICE = 4_000;
/** Rows with which a destination that is down is looked at, twice as many each time that the filter drops them all. */
export const PROBE_ROWS = 16;

/** Rows of a feed, those of them that are not done yet, and which of these are passed on. */
export interface FeedPage {
  rows: Row[];
  left: Row[];
  picked: Selection;
  /** How many rows were asked for. */
  limit: number;
}

/** What of a pipe's state says which rows come next. */
type Cursor = Pick<State, "place" | "ahead" | "down">;

export class Reader {
  readonly #env: Env;
  #next: { pipe: RunnablePipe; after: number; limit: number; page: Promise<FeedPage> } | null = null;
  /** Slices read in this run while the destination was down. */
  #looks = 0;

  constructor(env: Env) {
    this.#env = env;
  }

  /** A new run begins: what was prepared may be old by now, and what is in it erased. */
  forget(): void {
    this.#next = null;
    this.#looks = 0;
  }

  /** The page behind the cursor; what was prepared, as long as the pipe is still the one that it was prepared for. */
  async events(pipe: RunnablePipe, cursor: Cursor): Promise<FeedPage> {
    const next = this.#next;
    const limit = this.#limitFor(pipe, cursor);
    this.#next = null;
    if (cursor.down !== null) this.#looks += 1;
    const after = cursor.place.events;
    if (next?.pipe === pipe && next.after === after && next.limit === limit) return await next.page;
    return await this.#read(pipe, cursor, after, limit);
  }

  /** Prepares what comes behind a page, if anything does. */
  prepare(pipe: RunnablePipe, cursor: Cursor, { rows, limit }: FeedPage): void {
    const last = rows.at(-1);
    if (last === undefined || rows.length < limit || cursor.down !== null) return;
    const page = this.#read(pipe, cursor, last.seq, limit);
    page.catch(() => undefined); // whoever asks for it hears of it
    this.#next = { pipe, after: last.seq, limit, page };
  }

  async notices(pipe: RunnablePipe, cursor: Cursor): Promise<FeedPage> {
    const notices = await readSystemEvents(this.#env.DB, { after: cursor.place.notices, limit: PAGE_ROWS });
    return await this.#pick(pipe, cursor, notices.map(systemEventRow), PAGE_ROWS);
  }

  async #read(pipe: RunnablePipe, cursor: Cursor, after: number, limit: number): Promise<FeedPage> {
    const events = await readFeed(this.#env.DB, { after, limit });
    return await this.#pick(pipe, cursor, events.map(eventRow), limit);
  }

  async #pick(pipe: RunnablePipe, cursor: Cursor, rows: Row[], limit: number): Promise<FeedPage> {
    const ahead = new Set(cursor.ahead);
    const left = ahead.size === 0 ? rows : rows.filter(({ id }) => !ahead.has(id));
    const { select } = await loadWork();
    return { rows, left, picked: await select(this.#env, pipe, left), limit };
  }

  #limitFor({ kind, settings, options }: RunnablePipe, { down }: Cursor): number {
    const { events } = kind.batchOf?.(settings) ?? kind.batch;
    const batch = Math.min(options.batch, events);
    const wave = options.concurrency * batch;
    // Whole waves, so that no lane waits for another one's last request.
    const whole = Math.min(MOST_SLICE, Math.ceil(Math.max(PAGE_ROWS, 2 * wave) / wave) * wave);
    return down === null ? whole : Math.min(whole, Math.max(PROBE_ROWS, 2 * batch) * 2 ** this.#looks);
  }
}
