// The plan of one simulated history, drawn from a seed before anything runs: which ESPs report what, in which requests,
// and for each round the concurrent acts and the probability of faults. It is plain data, so that a history can be
// reduced.

import { randomFrom, type Random } from "../../src/demo/traffic/random.ts";
import type { Dialect, Happening, Report } from "../../src/demo/traffic/types.ts";
import { DAY, DOMAINS, MISTAKEN, reportOf, SENDERS, START, WITH_NAMES } from "./reports.ts";
import type { Trap } from "./gate.ts";
import { withErasures, withRereading } from "./erasures.ts";
import { withCounting } from "./counting.ts";
import { withLoss, type Loss } from "./losses.ts";
import { withMentions } from "./mentions.ts";
import { pickSome } from "./picks.ts";
import {
  withDiscards,
  withPipes,
  withReturns,
  type Mood,
  type PipeAct,
  type PipePlan,
} from "./pipe-world.ts";
import type { Kept } from "./retention.ts";
import { deathsOf } from "./deaths.ts";
import { withOutage } from "./outages.ts";
import { withRemovals } from "./removals.ts";
import { sceneOf } from "./scenes.ts";

/** The content of one POST: reports, a test, or unreadable elements. */
export interface Parcel {
  dialect: Dialect;
  reports: readonly Report[];
  /** Elements that must become dead letters. */
  poison: number;
  /** Padding, in bytes, that makes the body too long for a queue message. */
  filler: number;
  /** Whether the unreadable element ends every process that looks at it (deadly.ts). */
  kills?: true;
  /** Whether it must be stored without a detour: it only shared a batch with such a parcel, or a broken consumer. */
  spared?: true;
  /** Whom the body mentions, which is not UTF-8, so that nobody can read it. */
  garbled?: string;
}

/** An act of a history. Parcels are given by their numbers. */
export type Act =
  | { kind: "send"; parcel: number; backup: boolean }
  /** `broken`: the process ends before it does anything, as with a broken deployment. */
  | { kind: "consume"; most: number; broken?: true }
  | { kind: "bury"; broken?: true }
  | { kind: "sweep" }
  | { kind: "replay" }
  /** A person suppresses a contact by hand, or lifts every suppression in force. */
  | { kind: "suppress" | "lift"; contact: string }
  /** A person requests the erasure of a contact. */
  | { kind: "erase"; contact: string }
  /** A person requests the removal of all data of a source. */
  | { kind: "remove"; source: string }
  /** A person has all archived deliveries parsed again. */
  | { kind: "renormalise" }
  /** A receiver posts a request of a pipe that leads back to a source here. */
  | { kind: "return" }
  /** The next stretch of the feed is counted: by a consumer that stored the thousandth event, or by the scheduled job. */
  | { kind: "count"; by: "consumer" | "job" }
  /** A person makes a pipe of this name, of which nobody rings the alarm. */
  | { kind: "install"; name: string }
  /** A person asks for the database to be rebuilt, or the rebuild to go on. */
  | { kind: "rebuild" }
  | PipeAct;

/** Concurrent acts, whose steps are interleaved in an order drawn from `seed`. */
export interface Round {
  seed: number;
  /** ms that pass before. */
  wait: number;
  acts: Act[];
  /** The probability that a call of a binding fails, in any way. */
  faults: number;
  /** Contacts whose objects the platform evicts before the round. */
  evicted: string[];
  /** Valid credentials: 0: the first, 1: both, 2: the second. */
  rotation: 0 | 1 | 2;
  /** The trap for the first act. */
  trap?: Trap;
  /** Whether all clocks agree. */
  agreed?: true;
  /** How the receiver of each pipe behaves. */
  moods?: Mood[];
  /** Pipes whose objects the platform evicts before the round. */
  restarted?: number[];
  /** Whether the database is lost before the round. */
  loses?: true;
}

/** The plan of a history. */
export interface World {
  seed: number;
  /** ms */
  start: number;
  contacts: string[];
  parcels: Parcel[];
  rounds: Round[];
  /**
   * Whether contacts are erased in this world. If so, all clocks agree, so that it is certain what was received before.
   */
  erasing: boolean;
  /** Whether the data of sources are removed in this world. If so, all clocks agree, too. */
  removing?: true;
  /** Whether the archive is parsed again in this world. */
  rereading: boolean;
  /**
   * Fields whose parameters are configured wrongly for JangoMail's source until a round: correcting them corrects its
   * parser.
   */
  mistaken: { fields: string[]; until: number } | null;
  /**
   * The retention, and when it is checked, in days after the beginning; null if everything is kept.
   */
  kept: (Kept & { later: number }) | null;
  pipes: PipePlan[];
  /** The loss of the database; left out if it is not lost. */
  loss?: Loss;
  /** Contacts that a destination called unknown in an outage (outages.ts). */
  outage?: readonly string[];
  /** After how many retries the queue gives a message up. */
  retries: number;
}

const MISTAKABLE = ["campaign", "custom_id", "message_id", "bounce"] as const;
const POPULATION = 300;
/** Few, so that histories reach the dead-letter queue. */
const RETRIES = 2;

/** The world of a seed, always the same. */
export function worldOf(seed: number): World {
  const random = randomFrom(seed);
  const further = randomFrom(seed + 4);
  const errs = further.chance(0.12);
  const picked = pickSome(random, SENDERS, random.between(1, 3));
  const some = errs
    ? [...picked.slice(1).filter(({ source }) => source !== MISTAKEN), ...WITH_NAMES]
    : picked;
  const contacts = pickSome(random, [...Array(POPULATION).keys()], random.between(1, 4)).map(
    (n) => `c${n}@${DOMAINS[n % DOMAINS.length] ?? DOMAINS[0]}`,
  );
  const parcels = some.flatMap((dialect) => parcelsOf(random, dialect, contacts));
  const rounds = roundsOf(random, contacts, parcels.length);
  const erasing = !errs && further.chance(0.3);
  const rereading = further.chance(0.2);
  const erased = erasing ? withErasures(further, rounds, contacts, parcels.length) : rounds;
  const all = rereading ? withRereading(further, erased) : erased;
  const kept = further.chance(0.15) ? keptFor(further) : null;
  const slow =
    kept === null ? all : all.map((round) => ({ ...round, wait: round.wait + further.pick([0, DAY]) }));
  const mistaken = errs ? mistakeOf(further, slow.length) : null;
  const drawn = { seed, start: START, contacts, parcels, rounds: slow, erasing, rereading, kept, mistaken };
  const mentioning = withMentions(randomFrom(seed + 10), { ...drawn, pipes: [], retries: RETRIES });
  const world = withScene(randomFrom(seed + 6), mentioning);
  const piped = withPipes(withDeaths(randomFrom(seed + 11), world));
  const returning = withReturns(randomFrom(seed + 13), withOutage(randomFrom(seed + 12), piped));
  const discarding = withDiscards(randomFrom(seed + 15), returning);
  const removing = withRemovals(randomFrom(seed + 14), discarding);
  return withCounting(randomFrom(seed + 16), withLoss(randomFrom(seed + 17), removing));
}

/** Some worlds end with processes that end. An erasure would have to look at what nothing may look at. */
function withDeaths(random: Random, world: World): World {
  const erases = world.rounds.some(({ acts }) => acts.some(({ kind }) => kind === "erase"));
  if (erases || world.mistaken !== null || !random.chance(0.25)) return world;
  const { contacts, parcels, rounds } = world;
  const scene = deathsOf(random, { first: parcels.length, rotation: rounds.at(-1)?.rotation ?? 0 });
  return {
    ...world,
    contacts: [...contacts, ...scene.contacts],
    parcels: [...parcels, ...scene.parcels],
    rounds: [...rounds, ...scene.rounds],
    retries: scene.retries,
  };
}

/** Most worlds end with a scene. */
function withScene(random: Random, world: World): World {
  if (!random.chance(0.7)) return world;
  const { contacts, parcels, rounds, mistaken } = world;
  const place = { first: parcels.length, rotation: rounds.at(-1)?.rotation ?? 0 };
  const scene = sceneOf(random, place, mistaken !== null);
  const fields = new Set([...(mistaken?.fields ?? []), ...(scene.mistaken?.fields ?? [])]);
  return {
    ...world,
    contacts: [...contacts, ...scene.contacts],
    parcels: [...parcels, ...scene.parcels],
    rounds: [...rounds, ...scene.rounds],
    mistaken:
      scene.mistaken === null
        ? mistaken
        : { fields: [...fields], until: rounds.length + scene.mistaken.until },
  };
}

function mistakeOf(random: Random, rounds: number): NonNullable<World["mistaken"]> {
  return { fields: pickSome(random, MISTAKABLE, random.between(1, 2)), until: random.between(1, rounds) };
}

/** Chosen so that by then some of the deliveries of a fortnight are old enough, and some are not. */
function keptFor(random: Random): NonNullable<World["kept"]> {
  const events_days = random.between(35, 45);
  const archive_days = random.between(35, 45);
  return {
    events_days,
    archive_days,
    later: random.pick([events_days, archive_days]) + random.between(0, 8),
  };
}

function parcelsOf(random: Random, dialect: Dialect, contacts: readonly string[]): Parcel[] {
  const reports = reportsOf(random, dialect, contacts);
  const parcels: Parcel[] = [];
  const add = (group: readonly Report[]): void => {
    const readable = dialect.source === "mailjet" || dialect.source === "generic";
    const poison = readable && random.chance(0.15) ? 1 : 0;
    const filler = dialect.source === "generic" && random.chance(0.35) ? 300_000 : 0;
    parcels.push({ dialect, reports: group, poison, filler });
  };
  const inGroups = (all: readonly Report[]): void => {
    for (let at = 0; at < all.length;) {
      const size = random.between(1, Math.min(dialect.most, 5));
      add(all.slice(at, at + size));
      at += size;
    }
  };
  inGroups(reports);
  // Reports are sent once more in another grouping, if the ESP groups reports.
  if (dialect.most > 1 && random.chance(0.5)) inGroups(pickSome(random, reports, random.between(1, 4)));
  return parcels;
}

/** The latest time that a report may have, ms. */
const LATEST = START + DAY - 60_000;

/**
 * Reports of some mails within forty days, several for every contact, so that suppressions have evidence to combine.
 */
function reportsOf(random: Random, dialect: Dialect, contacts: readonly string[]): Report[] {
  const reports: Report[] = [];
  let previous: string | null = null;
  for (let n = random.between(2, 4); n > 0; n -= 1) {
    const sentAt = START - random.between(1, 40) * DAY + random.between(0, 86_399) * 1000;
    previous = dialect.makeId(random, previous);
    const campaign = random.pick(["welcome", "digest"]);
    const contact = contacts[random.between(0, contacts.length - 1)] ?? "";
    const mail = { contact, id: previous, campaign, customId: `order-${random.digits(6)}`, sentAt };
    const times = new Set<number>();
    for (let k = random.between(1, 4); k > 0; k -= 1) {
      const what = happening(random, dialect);
      // A time more than a day ahead of receipt is none: what replaces it differs from delivery to delivery.
      const at = Math.min(sentAt + random.between(1, 200_000) * 1000, LATEST - k * 1000);
      if (times.has(at)) continue;
      times.add(at);
      reports.push(reportOf(dialect, mail, what, at));
    }
  }
  return reports;
}

/** Soft bounces are frequent, because three of them lead to a suppression unless a delivery lies between them. */
function happening(random: Random, { knows }: Dialect): Happening {
  if (knows.includes("soft_bounce") && random.chance(0.4)) return "soft_bounce";
  return knows[random.between(0, knows.length - 1)] ?? "delivered";
}

function roundsOf(random: Random, contacts: readonly string[], parcels: number): Round[] {
  const count = random.between(4, 9);
  // Some histories run without any fault, most with a few, some with very many.
  const faults = random.pick([0, 0.05, 0.15, 0.15, 0.35]);
  const turn = random.chance(0.3) ? random.between(1, count) : Infinity;
  return Array.from({ length: count }, (_, i) => ({
    seed: random.between(1, 2 ** 31),
    wait: random.pick([0, 500, 5_000, 120_000, 3_600_000]),
    acts: actsOf(random, parcels, contacts),
    faults: random.chance(0.8) ? faults : 0,
    evicted: random.chance(0.2) ? pickSome(random, contacts, 2) : [],
    rotation: i < turn ? 0 : i === turn ? 1 : 2,
  }));
}

function actsOf(random: Random, parcels: number, contacts: readonly string[]): Act[] {
  const acts = Array.from({ length: random.between(1, 3) }, () => actOf(random, parcels, contacts));
  // Two consumers with a delivery each lead to conflicts most often.
  const rivals = random.chance(0.25) ? [1, 1].map((most): Act => ({ kind: "consume", most })) : [];
  return [...rivals, ...acts];
}

function actOf(random: Random, parcels: number, contacts: readonly string[]): Act {
  const chance = random.next();
  if (chance < 0.45) {
    return { kind: "send", parcel: random.between(0, parcels - 1), backup: random.chance(0.2) };
  }
  if (chance < 0.8) return { kind: "consume", most: random.pick([1, 2, 5, 100]) };
  if (chance < 0.86) return { kind: "sweep" };
  if (chance < 0.92) return random.chance(0.6) ? { kind: "bury" } : { kind: "replay" };
  const contact = contacts[random.between(0, contacts.length - 1)] ?? "";
  return { kind: random.chance(0.5) ? "suppress" : "lift", contact };
}
