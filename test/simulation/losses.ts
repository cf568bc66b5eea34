// A database that is lost, while the objects, the bucket and the queue stay, and people, ESPs and consumers go on. Somebody
// asks for a rebuild, which dies on its way and begins again. All clocks of such a world agree, as those of a data centre
// do to some milliseconds: a new database takes minutes to make.

import type { Random } from "../../src/demo/traffic/random.ts";
import type { Trap } from "./gate.ts";
import type { Act, Round, World } from "./world.ts";

/** The names of pipes that people make before the loss. */
export type Loss = readonly string[];

/** When a second pass of an erasure is due, ms. */
const SETTLED = 1_300_000;
const ALL: Act = { kind: "consume", most: 100 };

/** In some worlds the database is lost once. What people undo in bulk or remove is not in the journal, so nobody does. */
export function withLoss(random: Random, world: World): World {
  const { rereading, kept, mistaken, pipes, outage, removing, parcels, rounds, contacts } = world;
  const acts = rounds.flatMap((round) => round.acts);
  const hasDeath = parcels.some(({ kills }) => kills) || acts.some((act) => "broken" in act);
  const isPlain = !rereading && kept === null && mistaken === null && pipes.length === 0 && !hasDeath;
  if (!isPlain || outage !== undefined || removing === true || !random.chance(0.6)) return world;
  const faults = random.pick([0.05, 0.15, 0.3]);
  const rotation = rounds.at(-1)?.rotation ?? 0;
  const round = (wait: number, own: Act[], failing = faults): Round => ({
    seed: random.between(1, 2 ** 31),
    wait,
    acts: own,
    faults: failing,
    evicted: [],
    rotation,
  });
  const contact = (): string => contacts[random.between(0, contacts.length - 1)] ?? "";
  const sendSome = (share: number): Act[] =>
    [...parcels.keys()].flatMap((parcel): Act[] =>
      random.chance(share) ? [{ kind: "send", parcel, backup: random.chance(0.1) }] : [],
    );
  const personal = (): Act =>
    random.pick<Act>([
      { kind: "suppress", contact: contact() },
      { kind: "lift", contact: contact() },
      { kind: "erase", contact: contact() },
    ]);
  const beside = (): Act =>
    random.pick<Act>([
      ALL,
      { kind: "consume", most: 1 },
      { kind: "sweep" },
      { kind: "bury" },
      { kind: "replay" },
      { kind: "send", parcel: random.between(0, parcels.length - 1), backup: random.chance(0.2) },
      personal(),
    ]);
  const some = (most: number): Act[] => Array.from({ length: random.between(0, most) }, beside);
  const rebuild: Act = { kind: "rebuild" };
  const rebuilding = (): Round => ({
    ...round(random.pick([500, 60_000, 400_000]), [
      rebuild,
      ...(random.chance(0.3) ? [rebuild] : []),
      ...some(2),
    ]),
    ...(random.chance(0.4) ? { trap: trapOf(random) } : {}),
  });
  const names = ["letters", "warehouse"].slice(0, random.between(0, 2));
  const at = random.between(1, rounds.length);
  const install = names.map((name): Act => ({ kind: "install", name }));
  const later = rounds
    .slice(at)
    .map((one) => (random.chance(0.3) ? { ...one, acts: [...one.acts, rebuild] } : one));
  return {
    ...world,
    loss: names,
    rounds: [
      round(500, install, 0),
      ...rounds.slice(0, at),
      round(500, sendSome(0.7), 0),
      ...(random.chance(0.8) ? [round(500, [ALL], random.pick([0, faults]))] : []),
      ...(random.chance(0.7) ? [round(random.pick([500, SETTLED]), [personal(), ...some(2)])] : []),
      { ...round(random.pick([500, 60_000, SETTLED]), [...some(3), ...sendSome(0.2)], 0), loses: true },
      ...Array.from({ length: random.between(2, 5) }, rebuilding),
      ...later,
      round(500, [rebuild, ...some(2)]),
    ],
  };
}

/** The rebuild dies, or waits for all others, where it first does one of these. */
function trapOf(random: Random): Trap {
  return {
    at: random.pick(["store", "query", "get archive", "get journal", "list", "correct"]),
    fate: random.pick(["dies", "works and dies", "waits"] as const),
  };
}
