// Counting of the feed beside everything else. Histories have too few events for a consumer to count them, and the job
// counts only what has waited for ten minutes. So in some worlds a stretch is counted in many rounds: as the consumer
// does it, or as the job does it a quarter of an hour later. It may happen twice at once, and die on the way.

import type { Random } from "../../src/demo/traffic/random.ts";
import { storeOf } from "../../src/store/db.ts";
import { countOverdue, countStretch } from "../../src/store/write/counting.ts";
import { invocation, type Begun } from "./history.ts";
import type { Act, World } from "./world.ts";

/** From now on everything that is stored has waited long enough for the job, ms. */
const LATER = 15 * 60_000;

/** In some worlds the feed is counted in many rounds, once or twice at the same time. */
export function withCounting(random: Random, world: World): World {
  if (!random.chance(0.35)) return world;
  const count = (): Act => ({ kind: "count", by: random.pick(["consumer", "job"] as const) });
  const rounds = world.rounds.map((round) =>
    random.chance(0.4)
      ? { ...round, acts: [...round.acts, ...Array.from({ length: random.pick([1, 1, 2]) }, count)] }
      : round,
  );
  return { ...world, rounds };
}

/** A run that counts the next stretch. */
export function counting(by: "consumer" | "job", name: string): Begun {
  return invocation(name, async (bindings) => {
    const db = storeOf(bindings);
    await (by === "consumer" ? countStretch(db) : countOverdue(db, Date.now() + LATER, 20));
  });
}
