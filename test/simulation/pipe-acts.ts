// Acts on pipes in a simulated history: people create, pause and resume them, and alarms go off. At the end, time
// passes until nothing is left to be delivered.

import { env } from "cloudflare:workers";
import { vi } from "vitest";
import { randomFrom, type Random } from "../../src/demo/traffic/random.ts";
import { isBehind } from "../../src/store/feed-position.ts";
import type { Gate, Runner } from "./gate.ts";
import { makeObserver, type Observer } from "./observer.ts";
import { makeObjects, type Objects } from "./pipe-objects.ts";
import type { Mood, PipeAct, PipePlan } from "./pipe-world.ts";
import { checkCursors, checkPatience, type Again, type Piped } from "./piped.ts";
import { makeReceivers, type Receivers } from "./receivers.ts";
import { makeWays, type Returns } from "./returns.ts";
import { SIGNING_SECRET } from "./second-deployment.ts";
import type { Erased } from "./erased.ts";
import type { Act, Round, World } from "./world.ts";

const HOUR = 3_600_000;
/** How often all pipes are checked before one counts as never coming to rest. */
const MOST_LOOKS = 150;

/** The pipes of a running history. */
export interface PipeSide {
  world: World;
  objects: Objects;
  observer: Observer;
  receivers: Receivers;
  asked: Map<number, Set<string>>;
  again: Again[];
  /** Ids of events that people may have let go, by the pipe's id. */
  gone: Map<string, Set<string>>;
  /** Numbers of the pipes that a person tried to change. */
  changed: Set<number>;
  /** The number of attempts to create a pipe: each attempt has its own URL. */
  makings: { count: number };
  /** Ids of pipes that may send nothing in this round. */
  silent: Set<string>;
  restart(round: Round): void;
  piped(erasures: readonly Erased[]): Piped;
}

/** `state`: of the object in which all pipes live. */
export async function makePipes(
  world: World,
  state: DurableObjectState,
  gate: () => Gate,
  returns: Returns,
): Promise<PipeSide> {
  const objects = await makeObjects(state);
  const observer = makeObserver();
  const silent = new Set<string>();
  const asked = new Map<number, Set<string>>();
  const again: Again[] = [];
  const gone = new Map<string, Set<string>>();
  const changed = new Set<number>();
  const runnerOf = (making: number): { runner: Runner; paused: boolean } | null => {
    const id = observer.made.get(making) ?? "";
    const runner = objects.runnerOf(id);
    return runner === null ? null : { runner, paused: silent.has(id) };
  };
  const receivers = makeReceivers(world.pipes, randomFrom(world.seed + 8), runnerOf, gate, makeWays(returns));
  vi.spyOn(globalThis, "fetch").mockImplementation(
    async (input, init) => await receivers.fetch(new Request(input).url, init ?? {}),
  );
  return {
    world,
    objects,
    observer,
    receivers,
    asked,
    again,
    gone,
    changed,
    makings: { count: 0 },
    silent,
    restart: ({ moods = [], restarted = [] }) => {
      receivers.moods = moods;
      silent.clear();
      for (const pipe of restarted) objects.evict(idOf(observer, world.pipes[pipe]) ?? "");
    },
    piped: (erasures) => ({
      plans: world.pipes,
      objects,
      observer,
      taken: receivers.taken,
      asked,
      again,
      gone,
      changed,
      erasures,
    }),
  };
}

function idOf({ pipes }: Observer, plan: PipePlan | undefined): string | undefined {
  return plan === undefined ? undefined : pipes.get(plan.name)?.id;
}

/** Either a request to /v1, or the object's alarm; null if there is nothing to do. */
export type Doing =
  | { method?: "PATCH" | "DELETE"; path: string; body: unknown; fine: readonly number[]; done?: () => void }
  | { ring(runner: Runner, bindings: Env): Promise<void>; rung(died: boolean, now: number): void };

/** `now`: ms; `acts`: all acts that happen at the same time. */
export async function doingOf(
  side: PipeSide,
  act: PipeAct,
  acts: readonly Act[],
  now: number,
  random: Random | null,
): Promise<Doing | null> {
  const { objects, observer, world } = side;
  const plan = world.pipes[act.pipe];
  if (plan === undefined) return null;
  if (act.kind === "make")
    return { path: "pipes", body: bodyOf(plan, (side.makings.count += 1)), fine: [201, 409] };
  if (act.kind === "leftover") return ringing(objects, act.id, now);
  const id = idOf(observer, plan);
  if (id === undefined) return null;
  switch (act.kind) {
    case "pause":
    case "resume":
      return { path: `pipes/${id}/${act.kind}`, body: null, fine: [200, 404, 409] };
    case "discard":
      noteGone(side, id, act, acts);
      return { method: "DELETE", path: `pipes/${id}/waiting`, body: null, fine: [200, 404] };
    case "change":
      side.changed.add(act.pipe);
      return { method: "PATCH", path: `pipes/${id}`, body: changeOf(plan), fine: [200, 404, 409] };
    case "delete":
      return { method: "DELETE", path: `pipes/${id}`, body: null, fine: [204, 404] };
    case "redeliver": {
      const { results } = await env.DB.prepare("SELECT id FROM events ORDER BY seq").all<{ id: string }>();
      const mark = side.receivers.taken.length;
      const note = (ids: readonly string[], whole: boolean) => () =>
        void side.again.push({ pipe: act.pipe, id, mark, ids, whole });
      if (act.which === "all") {
        const done = note(
          results.map((row) => row.id),
          true,
        );
        const from = new Date(world.start - 24 * HOUR).toISOString();
        return {
          path: "redeliveries",
          body: { pipes: [id], from, dry_run: false },
          fine: [200, 404, 409],
          done,
        };
      }
      const events = results.flatMap((row) => (random?.chance(0.3) === true ? [row.id] : []));
      if (events.length === 0) return null;
      side.asked.set(act.pipe, new Set([...(side.asked.get(act.pipe) ?? []), ...events]));
      return {
        path: "redeliveries",
        body: { pipes: [id], events, dry_run: false },
        fine: [200, 404],
        done: note(events, false),
      };
    }
    case "alarm": {
      const ring = ringing(objects, id, now);
      if (ring === null) return null;
      const paused = await env.DB.prepare("SELECT paused FROM pipes WHERE id = ?1").bind(id).first("paused");
      const waking = acts.some((one) => one.kind === "resume" && one.pipe === act.pipe);
      if (paused !== null && !waking) side.silent.add(id);
      return ring;
    }
  }
}

/** Notes what a discard may let go: what waits, and what the pipe sets aside at the same time. */
function noteGone(
  { objects, observer, gone }: PipeSide,
  id: string,
  act: PipeAct,
  acts: readonly Act[],
): void {
  const busy = acts.some((one) => one.kind === "alarm" && one.pipe === act.pipe);
  const all = [...observer.events.values(), ...observer.notices.values()];
  const waits = busy ? all : objects.stored(id).retries;
  gone.set(id, new Set([...(gone.get(id) ?? []), ...waits.map((one) => one.id)]));
}

function ringing(objects: Objects, id: string, now: number): Doing | null {
  if ((objects.alarmOf(id) ?? Infinity) > now) return null;
  return {
    ring: async (runner, bindings) => await objects.ring(id, runner, bindings),
    rung: (died, at) => objects.rung(id, died, at),
  };
}

/** `making`: the number of this attempt among all attempts to create a pipe. */
function bodyOf(
  { name, types, start, ordered, concurrency, batch, rate }: PipePlan,
  making: number,
): unknown {
  return {
    name,
    kind: "webhook",
    settings: {
      url: `https://${name}.example.com/${making}`,
      batch: batch !== null,
      signing_secrets: [SIGNING_SECRET],
    },
    filter: filterOf(types),
    start,
    ordered,
    concurrency,
    rate,
    log_share: 0,
    ...(batch === null ? {} : { batch }),
  };
}

function changeOf({ later: { types, concurrency, batch } }: PipePlan): unknown {
  const settings = { batch: batch !== null };
  return { settings, filter: filterOf(types), concurrency, ...(batch === null ? {} : { batch }) };
}

const filterOf = (types: readonly string[] | null): string | null =>
  types === null ? null : `type in ${JSON.stringify(types)}`;

/**
 * Lets time pass until all is delivered or given up. `one`: runs an act without faults; `settle`: lets everything be
 * stored that comes back. Returns whether everything came to rest.
 */
export async function healPipes(
  side: PipeSide,
  gate: Gate,
  one: (act: Act, name: string) => Promise<void>,
  settle: () => Promise<void>,
): Promise<boolean> {
  const { world, objects, observer } = side;
  const all = [...world.pipes.keys()];
  side.receivers.moods = [] satisfies Mood[];
  for (const pipe of all) await one({ kind: "make", pipe }, "make again");
  // Running pipes must go on by themselves.
  for (const [pipe, plan] of world.pipes.entries()) {
    const id = idOf(observer, plan) ?? "";
    const paused = await env.DB.prepare("SELECT paused FROM pipes WHERE id = ?1").bind(id).first("paused");
    if (paused !== null || objects.stored(id).state === null) await one({ kind: "resume", pipe }, "resume");
  }
  for (let looks = 0; looks < MOST_LOOKS; looks += 1) {
    side.silent.clear();
    if (looks % 4 === 0) await one({ kind: "sweep" }, "sweep");
    for (const pipe of all) await one({ kind: "alarm", pipe }, "alarm");
    for (const id of observer.made.values())
      if (world.pipes.every((plan) => idOf(observer, plan) !== id))
        await one({ kind: "leftover", pipe: 0, id }, "alarm of a deleted pipe");
    await settle();
    const ids = world.pipes.flatMap((plan) => idOf(observer, plan) ?? []);
    if (await areDone(objects, ids)) {
      await one({ kind: "sweep" }, "sweep");
      return true;
    }
    const next = Math.min(...ids.map((id) => objects.alarmOf(id) ?? Infinity));
    const wait = Number.isFinite(next) ? Math.max(0, next - gate.now()) : HOUR;
    // Everything that is due within some hours is done in one step.
    gate.pass(wait > HOUR ? wait + 6 * HOUR : wait);
  }
  return false;
}

async function areDone(objects: Objects, ids: readonly string[]): Promise<boolean> {
  const ends = await env.DB.prepare(
    `SELECT coalesce((SELECT max(seq) FROM event_rows), 0) AS events,
       coalesce((SELECT max(seq) FROM notices WHERE type <> 'gone'), 0) AS notices`,
  ).first<{ events: number; notices: number }>();
  return ids.every((id) => {
    const { state, retries, redeliveries } = objects.stored(id);
    if (ends === null || state === null || retries.length > 0 || redeliveries > 0) return false;
    const { events, notices } = state.positions;
    return isBehind(events, { seq: ends.events }) && isBehind(notices, { seq: ends.notices });
  });
}

/** After a round. */
export async function lookAfterRound(side: PipeSide, erasures: readonly Erased[]): Promise<string[]> {
  const piped = side.piped(erasures);
  return [
    ...side.receivers.refused.splice(0),
    ...(await checkCursors(piped)),
    ...(await checkPatience(side.objects)),
  ];
}
