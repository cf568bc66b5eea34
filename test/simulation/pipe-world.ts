// Pipes in a simulated history: their settings, the behaviour of their receivers from round to round, and the acts on
// them. They have their own random stream, so that pipes do not change the rest of the world.

import { randomFrom, type Random } from "../../src/demo/traffic/random.ts";
import type { Act, Round, World } from "./world.ts";

/** A pipe that a person creates. */
export interface PipePlan {
  name: string;
  /** Types that its filter lets through; null for no filter. */
  types: string[] | null;
  start: "now" | "beginning";
  ordered: boolean;
  concurrency: number;
  /** The most events per request; null: one by one. */
  batch: number | null;
  /** Requests a second, or null. */
  rate: number | null;
  /** Its receiver permanently refuses about one in this many events; 0: none. */
  refuses: number;
  /** How its receiver leads back to a source here; left out if it does not. */
  returns?: Way;
  /** The settings that a person may change it to. */
  later: Pick<PipePlan, "types" | "concurrency" | "batch">;
}

/**
 * How a receiver leads back to a source of the deployment that the events come from: as a proxy under another name, or by
 * way of a second deployment.
 */
export type Way = "proxy" | "deployment";

/** How a receiver behaves for a round. */
export type Mood =
  | "well"
  /** 503 */
  | "down"
  /** No connection. */
  | "cut"
  /** No answer. */
  | "hangs"
  /** Accepts events, but does not answer in time. */
  | "late"
  /** Asks for fewer requests (429), sometimes for an hour. */
  | "slow"
  /** Does not recognise us: 401, 403, 404 or a redirect (301). */
  | "denied"
  /** Asks never to be called again (410). */
  | "gone"
  /** Fails for some of the events: 500. */
  | "picky"
  /** A random one of these for each request. */
  | "storm";

/** An act on a pipe, which is given by its number. */
export type PipeAct =
  | { kind: "make" | "change" | "pause" | "resume" | "delete" | "discard" | "alarm"; pipe: number }
  /** The alarm of a deleted pipe. */
  | { kind: "leftover"; pipe: number; id: string }
  /** A redelivery of everything from the beginning, or of some events by their ids. */
  | { kind: "redeliver"; pipe: number; which: "all" | "some" };

const MOODS: readonly [Mood, ...Mood[]] = [
  "well",
  "well",
  "well",
  "storm",
  "storm",
  "picky",
  "down",
  "cut",
  "hangs",
  "late",
  "slow",
  "denied",
];
const TYPES = ["delivered", "opened", "clicked", "bounced", "complained", "unsubscribed"];
const NOTICES = ["contact.suppressed", "contact.lifted", "contact.erased"];
const HOUR = 3_600_000;

/** Adds pipes to about a third of the worlds. Retention deletes nothing there, because the waits of pipes take days. */
export function withPipes(world: World): World {
  const random = randomFrom(world.seed + 7);
  if (!random.chance(0.35) || world.kept !== null) return world;
  const pipes = Array.from({ length: random.between(1, 3) }, (_, i) => planOf(random, `p${i + 1}`));
  const all = [...world.rounds, ...furtherRounds(random, world)];
  const made = pipes.map(() => random.pick([0, 0, 1, all.length >> 1]));
  const rounds = all.map((round, i) => {
    const acts = pipes.flatMap((_, pipe) => actsOn(random, pipe, i - (made[pipe] ?? 0)));
    const moods = pipes.map(() => moodOf(random));
    const restarted = [...pipes.keys()].filter(() => random.chance(0.1));
    return { ...round, acts: [...round.acts, ...acts], moods, restarted };
  });
  return { ...world, pipes, rounds };
}

function planOf(random: Random, name: string): PipePlan {
  const ordered = random.chance(0.5);
  return {
    name,
    types: typesOf(random),
    start: random.chance(0.4) ? "beginning" : "now",
    ordered,
    concurrency: random.between(1, 4),
    batch: random.chance(0.4) ? random.pick([2, 3, 100]) : null,
    rate: random.chance(0.15) ? 2 : null,
    // In an ordered pipe, each refused event holds up its contact for 75 hours: few are refused, or a history would
    // take months.
    refuses: random.chance(0.25) ? (ordered ? 13 : random.pick([2, 4])) : 0,
    later: {
      types: typesOf(random),
      concurrency: random.between(1, 4),
      batch: random.chance(0.4) ? random.pick([2, 3, 100]) : null,
    },
  };
}

function typesOf(random: Random): string[] | null {
  const types = [...TYPES.filter(() => random.chance(0.5)), ...NOTICES.filter(() => random.chance(0.7))];
  return random.chance(0.5) || types.length === 0 ? null : types;
}

function moodOf(random: Random): Mood {
  return random.chance(0.02) ? "gone" : random.pick(MOODS);
}

/** `since`: rounds since the pipe was created. */
function actsOn(random: Random, pipe: number, since: number): Act[] {
  if (since < 0) return [];
  const acts: PipeAct[] = since === 0 || random.chance(0.1) ? [{ kind: "make", pipe }] : [];
  if (random.chance(0.75)) acts.push({ kind: "alarm", pipe });
  if (random.chance(0.06)) acts.push({ kind: "pause", pipe });
  if (random.chance(0.1)) acts.push({ kind: "resume", pipe });
  if (random.chance(0.06)) acts.push({ kind: "change", pipe });
  if (random.chance(0.05)) acts.push({ kind: "delete", pipe });
  if (random.chance(0.08))
    acts.push({ kind: "redeliver", pipe, which: random.pick(["all", "some"] as const) });
  return acts;
}

/** Rounds in which time passes, pipes work, and people act on them. */
function furtherRounds(random: Random, { contacts, rounds, erasing, parcels }: World): Round[] {
  const faults = random.pick([0, 0.05, 0.15, 0.3]);
  const act = (): Act => {
    const contact = contacts[random.between(0, contacts.length - 1)] ?? "";
    const some: [Act, ...Act[]] = [
      { kind: "consume", most: 100 },
      { kind: "consume", most: 2 },
      { kind: "sweep" },
      { kind: "suppress", contact },
      { kind: "lift", contact },
      { kind: "send", parcel: random.between(0, parcels.length - 1), backup: false },
    ];
    return erasing && random.chance(0.1) ? { kind: "erase", contact } : random.pick(some);
  };
  return Array.from({ length: random.between(3, 8) }, () => ({
    seed: random.between(1, 2 ** 31),
    wait: random.pick([0, 500, 6_000, 20_000, 70_000, 400_000, HOUR, 12 * HOUR]),
    acts: Array.from({ length: random.between(0, 2) }, act),
    faults: random.chance(0.7) ? faults : 0,
    evicted: [],
    rotation: rounds.at(-1)?.rotation ?? 0,
  }));
}

/** In some worlds with pipes, one of them leads back. */
export function withReturns(random: Random, world: World): World {
  const erases = world.rounds.some(({ acts }) => acts.some(({ kind }) => kind === "erase"));
  if (world.pipes.length === 0 || world.erasing || erases || world.mistaken !== null) return world;
  if (!random.chance(0.8)) return world;
  const index = random.between(0, world.pipes.length - 1);
  const returns: Way = random.pick(["proxy", "deployment"]);
  const leading = (plan: PipePlan): PipePlan => ({
    ...plan,
    returns,
    types: random.chance(0.7) ? null : plan.types,
    batch: random.chance(0.4) ? null : plan.batch,
  });
  const pipes = world.pipes.map((plan, i) => (i === index ? leading(plan) : plan));
  const comesBack = (acts: Act[]): Act[] =>
    Array.from({ length: random.pick([0, 1, 1, 2]) }, (): Act => ({ kind: "return" })).concat(acts);
  return {
    ...world,
    pipes,
    rounds: world.rounds.map((round) => ({ ...round, acts: comesBack(round.acts) })),
  };
}

/** In some worlds with pipes a receiver refuses many single events for good, and people let go of what waits for it. */
export function withDiscards(random: Random, world: World): World {
  const index = world.pipes.findIndex(({ ordered }) => !ordered);
  if (index < 0 || !random.chance(0.5)) return world;
  const refuses = random.pick([2, 3]);
  const pipes = world.pipes.map((plan, i) => (i === index ? { ...plan, refuses } : plan));
  const rounds = world.rounds.map((round): Round => {
    if (!random.chance(0.15)) return round;
    return {
      ...round,
      acts: [...round.acts, { kind: "discard", pipe: random.between(0, pipes.length - 1) }],
    };
  });
  return { ...world, pipes, rounds };
}
