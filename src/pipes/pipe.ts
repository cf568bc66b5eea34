// The Durable Object of one pipe, named by its id: a cursor over the stored feeds, a circuit breaker, and the events
// that failed alone. Nothing lies between storing and passing on in which an event could get lost: whatever is
// behind the cursor is delivered, or stands in the table of retries, and the cursor moves in the same write.
//
// The object is woken after each store and once a minute. It works in its alarm, which the platform repeats if it dies
// half-way; whatever was sent but not yet recorded is then sent again, under the same id. This file holds its life and
// its calls. The work itself is in work.ts, which a pipe that rests never needs.

import { DurableObject } from "cloudflare:workers";
import type { Found } from "./redeliver/found.ts";
import { describeError } from "../lib/outage.ts";
import { storeOf } from "../store/db.ts";
import { BEGINNING, earlierOf, laterOf, moveBefore, type FeedPosition } from "../store/feed-position.ts";
import { withOutages } from "../store/outages.ts";
import { countQueries } from "../store/query-count.ts";
import { getPipe, type FeedPositions, type PipeRecord } from "../store/pipes/pipes.ts";
import { loadWork } from "./lazy.ts";
import { isWaiting, probeWait, resetCircuit } from "./circuit.ts";
import { FIRST_RETRY, openRetries, type Retry } from "./retries.ts";
import { MOST_REDELIVERIES, MOST_WAITING, openRedeliveries, type Redelivery } from "./redeliveries.ts";
import { healthOf, newState, openState, type PipeHealth } from "./state.ts";
import { PIPES_KNOWN_FOR } from "./wake.ts";
import type { Progress } from "./round/context.ts";
import type { PipeWorker } from "./work.ts";

/** How long a pipe at work uses its settings before it reads them again, ms. */
const SETTINGS_KNOWN_FOR = 1_000;
/**
 * Isolates that store events may have an old list of pipes for so long, ms. A new or resumed pipe looks once more after
 * it.
 */
const KNOWN_BY_ALL = PIPES_KNOWN_FOR + 1_000;
/** How long one alarm works before it hands over to the next one, ms. */
const RUN = 60_000;
/** After this many queries it does so, too: the platform allows a thousand, and a round makes some tens. */
const MOST_QUERIES = 700;

/** The object of one pipe. Its methods are what the Worker calls. */
export class Pipe extends DurableObject<Env> {
  readonly #redeliveries = openRedeliveries(this.ctx.storage);
  readonly #state = openState(this.ctx.storage, this.#redeliveries);
  readonly #retries = openRetries(this.ctx.storage);
  readonly #counted = countQueries(this.env);
  #worker: PipeWorker | null = null;
  #settings: { record: PipeRecord; until: number } | null = null;
  #running = false;
  /** Whether it was woken while it was running. */
  #wokenAgain = false;
  /** Until when some isolate may not know this pipe yet, ms. */
  #unknownUntil = 0;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, withOutages(env));
  }

  /** Starts a new pipe at these positions. A second call changes nothing. */
  async begin(id: string, positions: FeedPositions): Promise<void> {
    if (this.#state.load() === null) this.#state.save(newState(id, positions));
    this.#unknownUntil = Date.now() + KNOWN_BY_ALL;
    await this.ctx.storage.setAlarm(Date.now());
  }

  /** Looks for new events, unless the circuit is open. Returns false if the pipe has not begun. */
  async wake(): Promise<boolean> {
    const state = this.#state.load();
    if (state === null) return false;
    if (this.#running) this.#wokenAgain = true;
    else if (!isWaiting(state, Date.now())) await this.ctx.storage.setAlarm(Date.now());
    return true;
  }

  /** The position before which all system events are done, retries included. */
  async systemEventsPosition(): Promise<FeedPosition> {
    const state = this.#state.load();
    if (state === null) return BEGINNING; // it has not begun, and may need all of them
    const { notices } = state.positions;
    const waiting = this.#retries.firstSystemEvents();
    return waiting.reduce((position, seq) => earlierOf(position, moveBefore(position, { seq })), notices);
  }

  /** Reads its settings again before it goes on: they changed, or the pipe was paused. */
  async reloadSettings(): Promise<void> {
    this.#settings = null;
    this.#worker?.reload();
  }

  /**
   * Lets go of what waits and lies before the positions `last`, and, if `skipTo` is given, of all that lies before these.
   * Returns how many waited. `dryRun`: only counts them.
   */
  async discard(last: FeedPositions, skipTo: FeedPositions | null, dryRun: boolean): Promise<number> {
    const state = this.#state.load();
    const count = state === null ? 0 : this.#retries.before(last, !dryRun);
    if (state === null || dryRun) return count;
    const { events, notices } = skipTo ?? state.positions;
    const positions = {
      events: laterOf(state.positions.events, events),
      notices: laterOf(state.positions.notices, notices),
    };
    const ahead = skipTo === null ? state.ahead : [];
    this.#state.save({ ...state, positions, ahead, discarded: state.discarded + count });
    await this.wake();
    return count;
  }

  /** Goes on at once, also where the circuit is open: somebody mended the destination, or the pipe. */
  /** `refilter`: the revision from which on another filter applies to what waits as well; null if it is the same. */
  async resume(refilter: number | null = null): Promise<void> {
    const state = this.#state.load();
    if (state === null) return;
    await this.reloadSettings();
    const now = Date.now();
    this.#unknownUntil = now + KNOWN_BY_ALL;
    const asked = refilter === null ? {} : { refilter: { revision: refilter, ...FIRST_RETRY } };
    this.#state.save({ ...resetCircuit(state, now), consecutiveFilterErrors: 0, ...asked });
    this.#retries.retryNow(now);
    await this.wake();
  }

  /** Passes a part of the feed on again. A second call with the same id changes nothing. False: there are too many. */
  async redeliver(redelivery: Redelivery): Promise<boolean> {
    if (this.#state.load() === null) return true; // deleted meanwhile
    const isNew = !this.#redeliveries.has(redelivery.id);
    if (isNew && this.#redeliveries.count() >= MOST_REDELIVERIES) return false;
    this.#redeliveries.add(redelivery);
    await this.wake();
    return true;
  }

  /** Passes single events on again, whatever the filter says. False: too many events wait already. */
  async redeliverEvents(events: readonly Found[]): Promise<boolean> {
    if (this.#state.load() === null) return true; // deleted meanwhile
    if (this.#retries.countAsked() + events.length > MOST_WAITING) return false;
    const asked = { tries: 0, due: Date.now(), reason: "asked for", asked: 1 } as const;
    for (const { feed, id, seq, grp } of events) this.#retries.put({ ...asked, feed, seq, id, grp });
    await this.wake();
    return true;
  }

  /** How the pipe is doing; null if it has not begun. */
  async health(): Promise<PipeHealth | null> {
    const state = this.#state.load();
    if (state === null) return null;
    return {
      ...healthOf(state),
      redeliveries: this.#redeliveries.count(),
      retries: this.#retries.count(),
      asked: this.#retries.countAsked(),
      next_at: await this.ctx.storage.getAlarm(),
    };
  }

  /** Events that failed alone, the next ones first. */
  async waiting(limit: number): Promise<Retry[]> {
    return this.#retries.list(limit);
  }

  /** Deletes all that is stored: the pipe was deleted. */
  async destroy(): Promise<void> {
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
    this.#retries.forget();
    this.#redeliveries.forget();
    this.#state.forget();
    this.#wokenAgain = false;
    await this.reloadSettings();
  }

  override async alarm(): Promise<void> {
    this.#running = true;
    this.#settings = null; // a change may not have been announced to this object
    this.#worker?.beginRun();
    try {
      await this.#run();
    } catch (error) {
      await this.#recover(error);
    } finally {
      this.#running = false;
      if (this.#wokenAgain) await this.ctx.storage.setAlarm(Date.now()); // woken just before it ended
    }
  }

  /** Works until there is nothing to do, or its time is up. */
  async #run(): Promise<void> {
    const until = Date.now() + RUN;
    this.#counted.count.queries = 0;
    let progress: Progress | "resting";
    do {
      this.#wokenAgain = false;
      progress = await this.#step(until);
      if (progress === "resting") return;
      if (progress === "paused") this.#settings = null;
      if (Date.now() >= until || this.#counted.count.queries >= MOST_QUERIES)
        return await this.ctx.storage.setAlarm(Date.now());
    } while (progress !== "idle" || this.#wokenAgain);
    await this.#setNextAlarm();
  }

  /** One round, or `resting` if the pipe must not work now. */
  async #step(until: number): Promise<Progress | "resting"> {
    const state = this.#state.load();
    if (state === null) return "resting";
    const record = await this.#readSettings(state.id);
    if (record === null) await this.destroy();
    if (record === null || record.paused !== null) return "resting";
    if (state.circuit !== null && isWaiting(state, Date.now())) {
      await this.ctx.storage.setAlarm(state.circuit.until);
      return "resting";
    }
    // Loaded by the first pipe that works, because every new isolate would have to wait for it.
    const { createWorker } = await loadWork();
    this.#worker ??= createWorker({
      env: this.#counted.env,
      state: this.#state,
      retries: this.#retries,
      redeliveries: this.#redeliveries,
    });
    const worked = await this.#worker.work(record, until);
    if (typeof worked === "string") return worked;
    await this.ctx.storage.setAlarm(worked.restUntil);
    return "resting";
  }

  async #readSettings(id: string): Promise<PipeRecord | null> {
    if (this.#settings !== null && this.#settings.until > Date.now()) return this.#settings.record;
    const record = await getPipe(storeOf(this.#counted.env), id);
    this.#settings = record === null ? null : { record, until: Date.now() + SETTINGS_KNOWN_FOR };
    return record;
  }

  async #setNextAlarm(): Promise<void> {
    if (this.#state.load() === null) return;
    const now = Date.now();
    const due = this.#retries.nextDue() ?? Infinity;
    const next = this.#unknownUntil > now ? Math.min(due, this.#unknownUntil) : due;
    if (next < Infinity) await this.ctx.storage.setAlarm(Math.max(next, now + 100));
  }

  /** After an error: forgets what is in memory, and tries again later from what is stored. */
  async #recover(error: unknown): Promise<void> {
    const pipe = this.#state.load()?.id;
    this.#state.forget();
    await this.reloadSettings();
    if (this.#state.load() === null) return; // deleted while it worked
    console.error({ message: "a pipe waits", pipe, ...describeError(error) });
    await this.ctx.storage.setAlarm(Date.now() + probeWait(1, Math.random()));
  }
}
