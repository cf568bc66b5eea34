// People remove all data of a source while its reports are on their way, and after the removal the ESP sends some of them
// again. All clocks of such a world agree, so that it is certain what was received before.

import type { Random } from "../../src/demo/traffic/random.ts";
import type { Act, Round, World } from "./world.ts";

/** After this time, ms, the next pass of a removal is due. */
const SETTLED = 1_300_000;

/** Some worlds end with a removal, or with several. */
export function withRemovals(random: Random, world: World): World {
  const { erasing, rereading, kept, mistaken, parcels, rounds } = world;
  const acts = rounds.flatMap((round) => round.acts);
  const isPlain = !erasing && !rereading && kept === null && mistaken === null && !world.outage;
  const hasDeath = parcels.some(({ kills }) => kills) || acts.some((act) => "broken" in act);
  if (!isPlain || hasDeath || acts.some(({ kind }) => kind === "erase") || !random.chance(0.4)) return world;
  const sources = [...new Set(parcels.map(({ dialect }) => dialect.source))];
  const remove = (): Act => ({
    kind: "remove",
    source: sources[random.between(0, sources.length - 1)] ?? "",
  });
  const faults = random.pick([0, 0, 0.05, 0.15]);
  const round = (wait: number, own: Act[], failing = faults): Round => ({
    seed: random.between(1, 2 ** 31),
    wait,
    acts: own,
    faults: failing,
    evicted: [],
    rotation: rounds.at(-1)?.rotation ?? 0,
  });
  const sendSome = (share: number): Act[] =>
    [...parcels.keys()].flatMap((parcel): Act[] =>
      random.chance(share) ? [{ kind: "send", parcel, backup: random.chance(0.1) }] : [],
    );
  const consume: Act = { kind: "consume", most: 100 };
  const beside = (): Act[] =>
    random.pick([[], [], [consume], [{ kind: "sweep" }], [{ kind: "bury" }], [{ kind: "consume", most: 1 }]]);
  const early = rounds.map((one) => (random.chance(0.1) ? { ...one, acts: [...one.acts, remove()] } : one));
  const late = [
    round(500, sendSome(1), 0),
    ...(random.chance(0.7) ? [round(0, [consume], 0)] : []),
    round(random.pick([500, 60_000]), [remove(), ...beside()]),
    round(random.pick([500, 60_000]), [...beside(), ...(random.chance(0.3) ? sendSome(0.5) : [])]),
    round(SETTLED, [{ kind: "sweep" }, ...beside()]),
    ...(random.chance(0.5) ? [round(SETTLED, [{ kind: "sweep" }, ...beside()])] : []),
    ...(random.chance(0.8) ? [round(SETTLED, sendSome(0.5), 0), round(500, [consume])] : []),
    ...(random.chance(0.3) ? [round(60_000, [remove(), ...beside()])] : []),
  ];
  return { ...world, rounds: [...early, ...late], removing: true };
}
