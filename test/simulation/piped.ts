// Rules for pipes: after each round, no cursor has passed an event that its receiver does not have; at rest, every
// matching event has arrived, in order if the pipe is ordered, and no other event.

import { env } from "cloudflare:workers";
import { isBehind } from "../../src/store/feed-position.ts";
import { names } from "./questions.ts";
import type { Observer, SeenPipe, SeenRow } from "./observer.ts";
import type { Objects, Stored } from "./pipe-objects.ts";
import type { PipePlan } from "./pipe-world.ts";
import { isRefused, type Taken } from "./receivers.ts";
import type { Erased } from "./erased.ts";

/** A redelivery that was answered with 200. */
export interface Again {
  pipe: number;
  /** The pipe's id. */
  id: string;
  /** The number of events that all receivers had accepted before the request. */
  mark: number;
  /** The events that existed then; a `whole` redelivery applies the pipe's filter. */
  ids: readonly string[];
  whole: boolean;
}

/** All records about pipes. */
export interface Piped {
  plans: readonly PipePlan[];
  objects: Objects;
  observer: Observer;
  taken: readonly Taken[];
  /** Ids of events that a person asked a pipe to deliver regardless of its filter, by the pipe's number. */
  asked: ReadonlyMap<number, ReadonlySet<string>>;
  again: readonly Again[];
  /** Ids of events that people may have let go, by the pipe's id. */
  gone: ReadonlyMap<string, ReadonlySet<string>>;
  /** Numbers of pipes that a person tried to change: either filter may apply. */
  changed: ReadonlySet<number>;
  erasures: readonly Erased[];
}

interface Side extends SeenPipe {
  plan: PipePlan;
  /** All filters that it may have, each as the types that it lets through; null for all. */
  filters: (string[] | null)[];
  stored: Stored;
  got: Set<string>;
  gone: ReadonlySet<string>;
}

function sidesOf({ plans, objects, observer, taken, changed, gone }: Piped): Side[] {
  return plans.flatMap((plan, pipe) => {
    const made = observer.pipes.get(plan.name);
    if (made === undefined) return [];
    const got = new Set(taken.filter((one) => one.making === made.making).map(({ id }) => id));
    const filters = [plan.types, ...(changed.has(pipe) ? [plan.later.types] : [])];
    const own = gone.get(made.id) ?? new Set();
    return [{ plan, filters, stored: objects.stored(made.id), got, gone: own, ...made }];
  });
}

/** Whether a row must arrive: each filter accepts every type that the row ever had, and nobody let it go. */
function matches({ filters, gone }: Pick<Side, "filters" | "gone">, row: SeenRow): boolean {
  if (gone.has(row.id)) return false;
  return filters.every((types) => types === null || [...row.types].every((type) => types.includes(type)));
}

/** System events that are due to a pipe: those that existed when it was created, and all later ones. */
function noticesFor(side: Side, { notices }: Observer, erased: ReadonlySet<string>): SeenRow[] {
  const { start, found, last } = side;
  return [...notices.values()].filter((row) => {
    const due = row.seq > start.notices && (row.seq > last || found.has(row.seq)) && matches(side, row);
    return due && (row.contact === null || !erased.has(row.contact) || row.types.has("contact.erased"));
  });
}

/** Events that a cursor has passed and that neither the receiver nor the retries have. */
export async function checkCursors(piped: Piped): Promise<string[]> {
  const { results } = await env.DB.prepare("SELECT seq FROM events").all<{ seq: number }>();
  const there = new Set(results.map(({ seq }) => seq));
  const erased = new Set(piped.erasures.map(({ contact }) => contact));
  return sidesOf(piped).flatMap((side) => {
    const { plan, stored, got, start } = side;
    const { state, retries } = stored;
    if (state === null) return [];
    const waits = new Set(retries.map(({ feed, seq }) => `${feed}/${seq}`));
    const events = [...piped.observer.events.values()].filter(
      (row) => row.seq > start.events && matches(side, row) && there.has(row.seq),
    );
    const passed = (feed: "events" | "notices") => (row: SeenRow) =>
      isBehind(state.positions[feed], row) && !got.has(row.id) && !waits.has(`${feed}/${row.seq}`);
    const lost = [
      ...events.filter(passed("events")),
      ...noticesFor(side, piped.observer, erased).filter(passed("notices")),
    ];
    const mayBe = state.given_up; // the log is checked at rest
    // An event that was erased while it waited is tried no more, and the list of what lies ahead may still hold it.
    const left = [
      ...[...piped.observer.events.values()].filter(({ seq }) => there.has(seq)),
      ...[...piped.observer.notices.values()].filter(
        ({ contact }) => contact === null || !erased.has(contact),
      ),
    ];
    const early = state.ahead.filter((id) => {
      const row = left.find((one) => one.id === id);
      return row !== undefined && matches(side, row) && !got.has(id) && !retries.some((one) => one.id === id);
    });
    return [
      ...(lost.length > mayBe
        ? lost.map(({ id }) => `${plan.name} has passed ${id}, which it has not delivered`)
        : []),
      ...(early.length > mayBe ? early.map((id) => `${plan.name} takes ${id} for delivered`) : []),
    ];
  });
}

const PATIENCE = 75 * 3_600_000;

/** Pipes that paused themselves because nothing got through, although something did, or the time was too short. */
export async function checkPatience(objects: Objects): Promise<string[]> {
  const { results } = await env.DB.prepare(
    "SELECT id, name, paused, paused_at, created_at FROM pipes WHERE paused LIKE 'nothing got through%'",
  ).all<{ id: string; name: string; paused: string; paused_at: number; created_at: number }>();
  return results.flatMap(({ id, name, paused, paused_at, created_at }) => {
    const { state } = objects.stored(id);
    const last = Math.max(created_at, state?.delivered_at ?? 0);
    return paused_at - last < PATIENCE ? [`${name} paused itself too early: ${paused}`] : [];
  });
}

/** All violations at rest. */
export async function checkPiped(piped: Piped): Promise<string[]> {
  const wrong = [...piped.observer.wrong];
  const { results: events } = await env.DB.prepare("SELECT seq, id FROM events ORDER BY seq").all<{
    seq: number;
    id: string;
  }>();
  const erased = new Set(piped.erasures.map(({ contact }) => contact));
  const seen = [...piped.observer.events.values()];
  const told = [...piped.observer.notices.values()];
  const known = new Map([...seen, ...told].map((row) => [row.id, row]));
  for (const [pipe, plan] of piped.plans.entries())
    if (!piped.observer.pipes.has(plan.name)) wrong.push(`pipe ${pipe} is not there`);
  for (const side of sidesOf(piped)) {
    const { plan, filters, got, start, making } = side;
    const own = piped.taken.filter((one) => one.making === making);
    const asked = piped.asked.get(piped.plans.indexOf(plan)) ?? new Set();
    const due = [
      ...seen.filter(
        (row) => row.seq > start.events && matches(side, row) && events.some(({ seq }) => seq === row.seq),
      ),
      ...noticesFor(side, piped.observer, erased),
    ];
    wrong.push(
      ...(await missing(
        side,
        due.filter(({ id }) => !got.has(id)),
      )),
    );
    for (const { id, type, contact } of own) {
      const row = known.get(id);
      if (row === undefined) wrong.push(`${plan.name} got ${id}, which there never was`);
      else if (!row.types.has(type)) wrong.push(`${plan.name} got ${id} as ${type}`);
      if (!filters.some((types) => types === null || types.includes(type)) && !asked.has(id))
        wrong.push(`${plan.name} got ${id}, a ${type} of ${contact}`);
    }
    if (plan.ordered) {
      const late = new Set([...asked, ...passedAtFirst(side, piped, known), ...storedAgain(seen)]);
      wrong.push(...disorderOf(side, own, seen, late));
    }
    wrong.push(...retold(plan, own));
  }
  for (const row of told)
    if (
      row.types.has("contact.erased") &&
      !piped.erasures.some(({ contact, id }) => contact === row.contact && row.id === `${id}-erased`)
    )
      wrong.push(`${row.id} tells of an erasure that did not happen`);
  const sides = sidesOf(piped);
  for (const { id, mark, ids, whole } of piped.again) {
    const side = sides.find((one) => one.id === id);
    if (side === undefined) continue; // deleted meanwhile
    const later = piped.taken.slice(mark).filter(({ making }) => making === side.making);
    const got = new Set(later.map((one) => one.id));
    for (const row of seen) {
      if (!ids.includes(row.id) || got.has(row.id) || isRefused(side.plan, row.id)) continue;
      if (side.gone.has(row.id)) continue;
      if (events.some(({ seq }) => seq === row.seq) && (!whole || matches(side, row)))
        wrong.push(`${side.plan.name} did not get ${row.id} once more`);
    }
  }
  wrong.push(...(await leftOf(piped)));
  const dump = piped.objects.dump();
  for (const contact of erased)
    if (names(dump, contact)) wrong.push(`${contact} was erased, and a pipe's object knows it`);
  return wrong;
}

/** Remains of deleted pipes. */
async function leftOf({ observer, objects }: Piped): Promise<string[]> {
  const there = new Set([...observer.pipes.values()].map(({ id }) => id));
  const { results } = await env.DB.prepare(
    "SELECT id FROM pipes UNION SELECT substr(id, 1, instr(id, '.') - 1) FROM attempts",
  ).all<{ id: string }>();
  const known = [...observer.made.values()].filter((id) => {
    const { state, retries } = objects.stored(id);
    return state !== null || retries.length > 0 || objects.alarmOf(id) !== null;
  });
  const left = [...results.map(({ id }) => id), ...known].filter((id) => !there.has(id));
  return [...new Set(left)].map((id) => `of the deleted pipe ${id} something is left`);
}

/** Events that did not arrive must be refused permanently by the receiver, given up, and in the log. */
async function missing({ plan, id, stored }: Side, rows: readonly SeenRow[]): Promise<string[]> {
  const wrong: string[] = [];
  for (const row of rows) {
    const log = await env.DB.prepare(
      "SELECT outcome, count(*) AS n FROM attempts WHERE id >= ?1 || '.' AND id < ?1 || '/' AND event = ?2 GROUP BY 1",
    )
      .bind(id, row.id)
      .all<{ outcome: string; n: number }>();
    const given = log.results.some(({ outcome }) => outcome === "given_up");
    if (!isRefused(plan, row.id)) wrong.push(`${plan.name} never got ${row.id}`);
    else if (!given && (stored.state?.given_up ?? 0) < rows.length)
      wrong.push(`${plan.name} gave up ${row.id} and does not say so`);
  }
  return wrong;
}

/**
 * Events that a changed filter let pass only in a later redelivery of everything: they may have been passed by in their
 * turn, and arrive for the first time when they are redelivered.
 */
function passedAtFirst(side: Side, { again }: Piped, known: ReadonlyMap<string, SeenRow>): string[] {
  const redelivered = again.filter(({ id, whole }) => whole && id === side.id).flatMap(({ ids }) => ids);
  return redelivered.filter((id) => {
    const row = known.get(id);
    return row !== undefined && !matches(side, row);
  });
}

/** Events that were removed with their source's data, and sent again later. */
function storedAgain(seen: readonly SeenRow[]): string[] {
  return [...Map.groupBy(seen, ({ id }) => id)].flatMap(([id, { length }]) => (length > 1 ? [id] : []));
}

/** Each contact's events must first arrive in order, except for those that may arrive `late`, by a redelivery. */
function disorderOf(
  { plan, start }: Side,
  own: readonly Taken[],
  events: readonly SeenRow[],
  late: ReadonlySet<string>,
): string[] {
  const bySeq = new Map(events.map((row) => [row.id, row]));
  const firsts = [...new Set(own.map(({ id }) => id))].flatMap((id) => bySeq.get(id) ?? []);
  const kept = firsts.filter(({ seq, id }) => seq > start.events && !late.has(id));
  return [...Map.groupBy(kept, ({ contact }) => contact)].flatMap(([contact, rows]) => {
    const seqs = rows.map(({ seq }) => seq);
    return seqs.some((seq, i) => seq < (seqs[i - 1] ?? 0))
      ? [`${plan.name} got the events of ${contact} in the order ${seqs.join()}`]
      : [];
  });
}

/** Each event has one id, by which a receiver recognises repeats: an id never stands for two events. */
function retold(plan: PipePlan, own: readonly Taken[]): string[] {
  const seen = new Map<string, string | null>();
  return own.flatMap(({ id, contact }) => {
    const other = seen.has(id) && seen.get(id) !== contact;
    seen.set(id, contact);
    return other ? [`${plan.name} got ${id} of two contacts`] : [];
  });
}
