// The Durable Object of one pipe, named by its id: a cursor over the stored feeds, a circuit, and the few events that failed
// alone. Nothing lies between storing and passing on in which an event could get lost: what is behind the cursor is done or
// stands in the list of retries, and the cursor moves in the same write.
//
// It is woken after each store and once a minute, and works in its alarm, which the platform repeats when it dies half-way.
// What was sent and not yet noted is sent again then, under the same id.

import { DurableObject } from "cloudflare:workers";
import { CONTACT_CHARS } from "../model/event-id.ts";
import { ok } from "../lib/result.ts";
import { readFeed } from "../store/events/events.ts";
import { noteAttempts, type AttemptRecord } from "../store/pipes/delivery-log.ts";
import { getPipe, pausePipe, type PipeRecord, type FeedPositions } from "../store/pipes/pipes.ts";
import { dispatch, paceOf, type Dispatched, type Piped } from "./dispatch.ts";
import { givenUp, notEvaluated, recordOf } from "./log.ts";
import { loadWork } from "./lazy.ts";
import type { RunnablePipe } from "./load.ts";
import { eventRow, pipedOf } from "./rows.ts";
import type { Selection } from "./select.ts";
import { PROBE_ROWS, Reader, PAGE_ROWS, type FeedPage } from "./reader.ts";
import { Retries, type Retry } from "./retries.ts";
import { NEW, type PipeHealth, type Redelivery, type State } from "./state.ts";
import { PIPES_KNOWN_FOR } from "./wake.ts";
import { circuitWait, eventWait, MOST_FAILURES, PATIENCE } from "./schedule.ts";

/** ms for which a pipe at work knows its settings, were it not told that they changed. */
const KNOWN_FOR = 1_000;
/** ms until whoever stores something knows of a pipe that was made or resumed; the pipe looks for itself once more then. */
const KNOWN_BY_ALL = PIPES_KNOWN_FOR + 1_000;
/** ms that one alarm works before it hands over to the next, so that what a person changes is heard of. */
const RUN = 60_000;
/** Events that failed alone. With more of them the pipe reads no further until some are done. */
const MOST_RETRIES = 1_000;
/** Of these, how many are tried in one go. */
const RETRIES_AT_ONCE = 100;
/** A destination that refuses so many in a row wants none of them: going on would give all of them up in the end. */
const MOST_REFUSALS = 200;
/** Filters that fail for so many events in a row are mended by people. */
const MOST_UNEVALUATED = 1_000;

type Feed = keyof FeedPositions;

const STATE = "state";

export class Pipe extends DurableObject<Env> {
  #state: State | null = null;
  #again = false;
  /** Until when some isolate may not know yet that it runs, ms. */
  #unknown = 0;
  #running = false;
  #ordered = false;
  #pace: { rate: number | null; next: () => Promise<void> } = { rate: null, next: paceOf(null) };
  readonly #kept = new Map<string, { value: unknown; until: number }>();
  readonly #retries = new Retries(this.ctx.storage);
  readonly #reader = new Reader(this.env);
  #opened: { pipe: RunnablePipe; until: number } | null = null;

  /** Places the cursor of a new pipe. Asked again, it changes nothing. */
  async begin(id: string, place: FeedPositions): Promise<void> {
    if (this.#load() === null) this.#save({ ...NEW, id, place });
    this.#unknown = Date.now() + KNOWN_BY_ALL;
    await this.ctx.storage.setAlarm(Date.now());
  }

  /** Looks for what is new, unless the destination is down. False where the pipe has not begun. */
  async wake(): Promise<boolean> {
    const state = this.#load();
    if (state === null) return false;
    const rests = state.down !== null && state.down.until > Date.now();
    if (this.#running) this.#again = true;
    else if (!rests) await this.ctx.storage.setAlarm(Date.now());
    return true;
  }

  /** Until where in their feed notices are done with; 0 where it has not begun. */
  async systemEventsPosition(): Promise<number> {
    const state = this.#load();
    if (state === null) return 0;
    const waiting = this.#retries.firstNotice();
    return waiting === null ? state.place.notices : Math.min(state.place.notices, waiting - 1);
  }

  /** Takes a change of its settings, or a pause, into account before it goes on. */
  async reloadSettings(): Promise<void> {
    this.#opened = null;
  }

  /** Looks at a destination that is down at once: somebody mended it, or the pipe. */
  async resume(): Promise<void> {
    const state = this.#load();
    if (state === null) return;
    this.#opened = null;
    this.#unknown = Date.now() + KNOWN_BY_ALL;
    const down = state.down === null ? null : { ...state.down, since: Date.now(), until: 0, looks: 0 };
    this.#save({ ...state, down, unevaluated: 0, refusals: 0 });
    this.#retries.retryNow(Date.now());
    await this.wake();
  }

  /** Passes on once more; the same request (by its id) again changes nothing. */
  async redeliver(redelivery: Redelivery): Promise<void> {
    const state = this.#load();
    if (state === null) return;
    if (!state.redeliveries.some(({ id }) => id === redelivery.id))
      this.#save({ ...state, redeliveries: [...state.redeliveries, redelivery] });
    await this.wake();
  }

  /** Passes single events on once more, whatever the filter says. */
  async redeliverEvents(events: readonly { id: string; seq: number }[]): Promise<void> {
    if (this.#load() === null) return; // deleted meanwhile
    const now = Date.now();
    for (const { id, seq } of events)
      this.#retries.put({
        feed: "events",
        seq,
        id,
        grp: id.slice(0, CONTACT_CHARS),
        tries: 0,
        due: now,
        reason: "asked for",
        asked: 1,
      });
    await this.wake();
  }

  async health(): Promise<PipeHealth | null> {
    const state = this.#load();
    if (state === null) return null;
    const { id: _, ahead: __, streak: ___, refusals: ____, ...told } = state;
    return {
      ...told,
      retries: this.#retries.count(),
      busy: this.#running,
      next_at: await this.ctx.storage.getAlarm(),
    };
  }

  /** Events that failed alone, the next ones first. */
  async waiting(limit: number): Promise<Retry[]> {
    return this.#retries.list(limit);
  }

  /** Forgets everything: the pipe was deleted. */
  async destroy(): Promise<void> {
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
    this.#retries.forget();
    this.#state = null;
    this.#again = false;
    this.#opened = null;
  }

  override async alarm(): Promise<void> {
    this.#running = true;
    this.#reader.forget();
    if (this.#opened !== null) this.#opened.until = 0; // looked up anew, for another isolate may not have told of a change
    try {
      await this.#work();
    } catch (error) {
      const pipe = this.#state?.id;
      this.#state = null;
      this.#opened = null;
      if (this.#load() === null) return; // deleted while it worked
      console.error({ message: "a pipe waits", pipe, error: String(error) });
      await this.ctx.storage.setAlarm(Date.now() + circuitWait(1, Math.random()));
    } finally {
      this.#running = false;
      if (this.#again) await this.ctx.storage.setAlarm(Date.now()); // woken while it was about to end
    }
  }

  async #work(): Promise<void> {
    const until = Date.now() + RUN;
    for (;;) {
      this.#again = false;
      const state = this.#load();
      if (state === null) return;
      const known = this.#opened !== null && this.#opened.until > Date.now() ? this.#opened.pipe : null;
      const record = known?.record ?? (await getPipe(this.env.DB, state.id));
      if (record === null) return await this.destroy();
      if (record.paused !== null) return;
      if (state.down !== null && state.down.until > Date.now())
        return await this.ctx.storage.setAlarm(state.down.until);
      const pipe = known ?? (await this.#open(record));
      if (pipe === null) return;
      const more = await this.#round(pipe, until);
      if (Date.now() >= until) return await this.ctx.storage.setAlarm(Date.now());
      if (!more && !this.#again) break;
    }
    if (this.#load() === null) return;
    const due = this.#retries.nextDue(this.#ordered) ?? Infinity;
    const next = this.#unknown > Date.now() ? Math.min(due, this.#unknown) : due;
    if (next < Infinity) await this.ctx.storage.setAlarm(Math.max(next, Date.now() + 100));
  }

  /** Null where it cannot be opened, and so was paused. As long as nobody changed it, it is the same one. */
  async #open(record: PipeRecord): Promise<RunnablePipe | null> {
    const before = this.#opened?.pipe;
    const same = before?.record.revision === record.revision;
    const opened = same ? ok(before) : await (await loadWork()).loadPipe(this.env, record);
    if (!opened.ok) {
      await this.#pause(record, opened.reason);
      return null;
    }
    this.#ordered = record.options.ordered;
    this.#opened = { pipe: opened.value, until: Date.now() + KNOWN_FOR };
    return opened.value;
  }

  /** One page of everything that waits. Whether there may be more. */
  async #round(pipe: RunnablePipe, until: number): Promise<boolean> {
    const tried = await this.#retryDue(pipe, until);
    if (tried === "stopped") return true;
    const room = this.#retries.count() < MOST_RETRIES;
    const told = room ? this.#reader.notices(pipe, this.#current()) : null;
    told?.catch(() => undefined); // whoever waits for it hears of it
    const stored = room ? await this.#reader.events(pipe, this.#current()) : null;
    const events = stored === null ? "idle" : await this.#advance(pipe, "events", stored, until);
    if (events === "stopped") return true;
    const notices = told === null ? "idle" : await this.#advance(pipe, "notices", await told, until);
    if (notices === "stopped") return true;
    const again = room ? await this.#redeliverSome(pipe, until) : "idle";
    return [tried, events, notices, again].includes("more");
  }

  async #advance(pipe: RunnablePipe, feed: Feed, page: FeedPage, until: number): Promise<Progress> {
    const { rows, left, picked, limit } = page;
    const last = rows.at(-1);
    if (last === undefined) return "idle";
    if (feed === "events") this.#reader.prepare(pipe, this.#current(), page);
    const result = await this.#deliver(pipe, feed, picked, until, (state, undone) => {
      const open = new Set(undone);
      const first = undone.length === 0 ? null : Math.min(...undone);
      const done = first === null ? [] : rows.filter(({ seq }) => seq > first && !open.has(seq));
      const moved = first === null ? last.seq : first - 1;
      // Ids of both feeds stand in one list.
      const own = new Set(rows.map(({ id }) => id));
      const others = state.ahead.filter((id) => !own.has(id));
      const passed = new Set(picked.passed.map(({ row }) => row.seq));
      const filtered = left.filter(({ seq }) => seq <= moved && !passed.has(seq)).length;
      return {
        ...state,
        place: { ...state.place, [feed]: moved },
        ahead: [...others, ...done.map(({ id }) => id)],
        filtered: state.filtered + filtered,
      };
    });
    if (result === null || result.stopped) return "stopped";
    return rows.length === limit || result.undone.length > 0 ? "more" : "idle";
  }

  /**
   * Delivers what was picked. Places that are not done; null where the pipe was paused. `move`: the state once that is
   * done, written with all else that came of it.
   */
  async #deliver(
    pipe: RunnablePipe,
    feed: Feed,
    { passed, failed }: Selection,
    until: number,
    move: (state: State, undone: readonly number[]) => State,
  ): Promise<{ undone: number[]; stopped: boolean } | null> {
    const state = this.#current();
    const unevaluated = failed.length === 0 && passed.length > 0 ? 0 : state.unevaluated + failed.length;
    if (unevaluated >= MOST_UNEVALUATED) {
      await this.#pause(pipe.record, `the filter fails for every event: ${failed[0]?.reason ?? ""}`);
      return null;
    }
    const log: AttemptRecord[] = failed.map(({ row, reason }) => notEvaluated(pipe.record.id, row, reason));
    const behind = pipe.options.ordered ? this.#retries.groups() : new Set<string>();
    const [held, free] = partition(passed, ({ piped }) => piped.group !== "" && behind.has(piped.group));
    const result = await this.#dispatch(
      pipe,
      free.map(({ piped }) => piped),
      until,
      log,
      1,
    );
    await this.#note(pipe.record.id, log);
    this.#current(); // deleted meanwhile, nothing is written any more
    const now = Date.now();
    const put = (one: Selection["passed"][number], tries: number, reason: string): void =>
      this.#retries.put({
        feed,
        seq: one.row.seq,
        id: one.row.id,
        grp: one.piped.group,
        tries,
        due: tries === 0 ? now : now + (eventWait(tries, Math.random()) ?? 0),
        reason,
        asked: 0,
      });
    const undone: number[] = [];
    for (const [index, one] of free.entries()) {
      const failure = result.failed.get(index);
      if (failure !== undefined) put(one, failure.tried ? 1 : 0, failure.reason);
      else if (!result.delivered.has(index)) undone.push(one.row.seq);
    }
    for (const one of held) put(one, 0, "waits for an earlier one");
    return await this.#after(pipe, result, undone, (state) => move({ ...state, unevaluated }, undone));
  }

  /** What a delivery says about the destination. */
  async #after(
    { record }: RunnablePipe,
    { stop, streak, delivered, failed }: Dispatched,
    undone: number[],
    move: (state: State) => State,
  ): Promise<{ undone: number[]; stopped: boolean } | null> {
    const now = Date.now();
    const state = move(this.#current());
    const alive = delivered.size > 0;
    const [failure] = failed.values();
    const told = stop?.reason ?? failure?.reason ?? null;
    const refusals = alive
      ? 0
      : state.refusals + [...failed.values()].filter(({ refused }) => refused).length;
    const before = alive ? null : state.down;
    const next: State = {
      ...state,
      streak,
      refusals,
      delivered: state.delivered + delivered.size,
      delivered_at: alive ? now : state.delivered_at,
      failed_at: told === null ? state.failed_at : now,
      failure: told ?? state.failure,
      down: null,
    };
    if (stop === null) {
      this.#save({ ...next, down: streak >= MOST_FAILURES ? before : null });
      if (refusals < MOST_REFUSALS) return { undone, stopped: false };
      await this.#pause(
        record,
        `the destination refused ${refusals} events one after the other: ${told ?? ""}`,
      );
      return { undone, stopped: true };
    }
    const { result, reason, retryAfter } = stop;
    const looks = before?.looks ?? 0;
    const since = before?.since ?? now;
    const wait = Math.max(retryAfter ?? 0, circuitWait(looks, Math.random()));
    this.#save({
      ...next,
      streak: result === "slow_down" ? 0 : Math.max(streak, MOST_FAILURES),
      down: { verdict: result, reason, since, until: now + wait, looks: looks + 1 },
    });
    if (result === "gone")
      await this.#pause(record, `${reason}: the destination asks not to be called again`);
    else if (now - since > PATIENCE) await this.#pause(record, `nothing got through for 75 hours: ${reason}`);
    return { undone, stopped: true };
  }

  async #retryDue(pipe: RunnablePipe, until: number): Promise<Progress> {
    const most = this.#current().down === null ? RETRIES_AT_ONCE : PROBE_ROWS;
    const due = this.#retries.due(Date.now(), most, pipe.options.ordered);
    if (due.length === 0) return "idle";
    const rows = await this.#retries.read(this.env.DB, due);
    const known = new Map(due.map((one) => [`${one.feed}/${one.seq}`, one]));
    // What is not there any more was erased, or kept for long enough.
    for (const one of due)
      if (!rows.some(({ feed, seq }) => feed === one.feed && seq === one.seq)) this.#retries.drop(one);
    const picked = rows.map((row) => ({ row, piped: pipedOf(pipe.form, row) }));
    const log: AttemptRecord[] = [];
    const tries = (index: number): Retry | undefined => {
      const row = picked[index]?.row;
      return row === undefined ? undefined : known.get(`${row.feed}/${row.seq}`);
    };
    const result = await this.#dispatch(
      { ...pipe, options: { ...pipe.options, batch: 1 } },
      picked.map(({ piped }) => piped),
      until,
      log,
      (id) => 1 + (due.find((one) => one.id === id)?.tries ?? 0),
    );
    const now = Date.now();
    let ended = 0;
    for (const index of picked.keys()) {
      const one = tries(index);
      const failure = result.failed.get(index);
      if (one === undefined) continue;
      if (result.delivered.has(index)) this.#retries.drop(one);
      else if (failure?.tried === true) {
        const wait = eventWait(one.tries + 1, Math.random());
        if (wait === null) {
          ended += 1;
          this.#retries.drop(one);
          log.push(givenUp(pipe.record.id, one, failure.reason));
        } else this.#retries.put({ ...one, tries: one.tries + 1, due: now + wait, reason: failure.reason });
      }
    }
    if (ended > 0) this.#save({ ...this.#current(), given_up: this.#current().given_up + ended });
    await this.#note(pipe.record.id, log);
    const after = await this.#after(pipe, result, [], (state) => state);
    return after === null || after.stopped ? "stopped" : due.length === most ? "more" : "idle";
  }

  async #redeliverSome(pipe: RunnablePipe, until: number): Promise<Progress> {
    const [first] = this.#current().redeliveries;
    if (first === undefined) return "idle";
    const { after, last, filter } = first;
    const events = await readFeed(this.env.DB, { after, last, limit: PAGE_ROWS });
    const { select } = await loadWork();
    const rows = events.map(eventRow);
    const picked = await select(this.env, pipe, rows, filter);
    const result = await this.#deliver(pipe, "events", picked, until, (state, undone) => {
      const reached = undone.length === 0 ? (events.at(-1)?.seq ?? last) : Math.min(...undone) - 1;
      const ended = undone.length === 0 && events.length < PAGE_ROWS;
      const redeliveries = state.redeliveries.flatMap((one) =>
        one.id !== first.id ? [one] : ended ? [] : [{ ...one, after: reached }],
      );
      return { ...state, redeliveries };
    });
    return result === null || result.stopped ? "stopped" : "more";
  }

  async #dispatch(
    { record, kind, settings, options }: RunnablePipe,
    items: Piped[],
    until: number,
    log: AttemptRecord[],
    tries: number | ((id: string) => number),
  ): Promise<Dispatched> {
    const state = this.#current();
    const limits = kind.batchOf?.(settings) ?? kind.batch;
    // Beside the sample: that it gets through at all, and that it does again.
    let telling = state.streak > 0 || state.delivered_at === null;
    const rules = {
      events: Math.min(options.batch, limits.events),
      bytes: limits.bytes,
      concurrency: state.down === null ? options.concurrency : 1,
      pace: this.#paceAt(options.rate),
      ordered: options.ordered,
      streak: state.streak,
      until,
    };
    const { attempt } = await loadWork();
    const result = await dispatch(items, rules, async (batch) => {
      const account = await attempt(
        this.env,
        { kind, settings, kept: this.#kept },
        batch.map(({ out }) => out),
      );
      const plain = account.outcome.result === "delivered" && (account.outcome.failed ?? []).length === 0;
      const tells = !plain || telling || Math.random() < options.log_share;
      if (plain) telling = false;
      if (tells) log.push(recordOf(record.id, batch, account, tries));
      return account.outcome;
    });
    this.#current(); // deleted meanwhile, nothing is written any more
    return result;
  }

  /** One pace over all pages. */
  #paceAt(rate: number | null): () => Promise<void> {
    if (this.#pace.rate !== rate) this.#pace = { rate, next: paceOf(rate) };
    return this.#pace.next;
  }

  /** The log tells what happened; it does not decide what happens, so that a failure to write it repeats no delivery. */
  async #note(pipe: string, log: readonly AttemptRecord[]): Promise<void> {
    try {
      await noteAttempts(this.env.DB, pipe, log);
    } catch (error) {
      console.error({ message: "attempts could not be logged", attempts: log.length, error: String(error) });
    }
  }

  async #pause({ id, name }: PipeRecord, reason: string): Promise<void> {
    this.#opened = null;
    await pausePipe(this.env.DB, { pipe: { id, name }, reason, at: Date.now(), told: true });
    console.error({ message: "a pipe was paused", pipe: id, reason });
  }

  #load(): State | null {
    this.#state ??= this.ctx.storage.kv.get<State>(STATE) ?? null;
    return this.#state;
  }

  #current(): State {
    const state = this.#load();
    if (state === null) throw new Error("the pipe was deleted");
    return state;
  }

  #save(state: State): void {
    this.#state = state;
    this.ctx.storage.kv.put(STATE, state);
  }
}

type Progress = "idle" | "more" | "stopped";

function partition<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  const yes: T[] = [];
  const no: T[] = [];
  for (const item of items) (test(item) ? yes : no).push(item);
  return [yes, no];
}
