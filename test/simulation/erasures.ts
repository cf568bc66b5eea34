// People erase contacts, and have the archive parsed again, in the rounds of a world.

import type { Random } from "../../src/demo/traffic/random.ts";
import { pickSome } from "./picks.ts";
import type { Act, Round } from "./world.ts";

/**
 * Adds occasional erasures, and at the end some without new reports, after which nothing of the contact may be left.
 */
export function withErasures(
  random: Random,
  rounds: readonly Round[],
  contacts: readonly string[],
  parcels: number,
): Round[] {
  const some = (): Act => ({
    kind: "erase",
    contact: contacts[random.between(0, contacts.length - 1)] ?? "",
  });
  const early = rounds.map((round) =>
    random.chance(0.15) ? { ...round, acts: [...round.acts, some()] } : round,
  );
  const rotation = rounds.at(-1)?.rotation ?? 0;
  const faults = random.pick([0, 0.05, 0.15, 0.3]);
  const add = (acts: Act[], own = faults): Round => ({
    seed: random.between(1, 2 ** 31),
    wait: random.pick([0, 500, 5_000, 1_300_000]),
    acts,
    faults: own,
    evicted: random.chance(0.2) ? pickSome(random, contacts, 1) : [],
    rotation,
  });
  const all = Array.from({ length: parcels }, (_, parcel): Act => ({
    kind: "send",
    parcel,
    backup: random.chance(0.15),
  }));
  const extra = (): Act =>
    random.pick<Act>([
      { kind: "consume", most: random.pick([1, 2, 100]) },
      { kind: "consume", most: 1 },
      { kind: "sweep" },
      { kind: "send", parcel: random.between(0, parcels - 1), backup: false },
      { kind: "bury" },
      { kind: "replay" },
    ]);
  const late = Array.from({ length: random.between(1, 3) }, () =>
    add([some(), ...Array.from({ length: random.between(1, 3) }, extra)]),
  );
  const worked = random.chance(0.5) ? [add([{ kind: "consume", most: 100 }])] : [];
  return [...early, add(all, 0), ...worked, ...late];
}

/** In some of the rounds a person has the archive parsed again. */
export function withRereading(random: Random, rounds: readonly Round[]): Round[] {
  return rounds.map((round) =>
    random.chance(0.3) ? { ...round, acts: [...round.acts, { kind: "renormalise" }] } : round,
  );
}
