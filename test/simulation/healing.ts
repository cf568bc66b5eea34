// Healing: without faults everything must come to rest.

import { env } from "cloudflare:workers";
import { randomFrom } from "../../src/demo/traffic/random.ts";
import { begin, replay } from "./acts.ts";
import type { Simulation } from "./history.ts";
import { isRebuilt } from "./rebuilding.ts";
import type { Act } from "./world.ts";

/** How often everything is delivered, swept and replayed before it counts as never coming to rest. */
const MOST_HEALINGS = 40;

const HOUR = 3_600_000;

/**
 * Runs without faults until everything has come to rest: all parcels accepted, nothing queued, spooled or waiting for a
 * replay.
 */
export async function heal(simulation: Simulation): Promise<boolean> {
  const { world, gate, queues, acknowledged, witness } = simulation;
  simulation.rotation = world.rounds.at(-1)?.rotation ?? 0;
  simulation.mended = true;
  const calm = randomFrom(world.seed + 3);
  const one = async (act: Act, name: string): Promise<void> => {
    const begun = await begin(simulation, act, name, null);
    if (begun === null) return;
    await gate.run([begun.runner], 0, calm);
    begun.end(begun.runner.outcome.ended === "died"); // only a deadly delivery ends it now
  };
  for (let n = 0; n < MOST_HEALINGS; n += 1) {
    gate.pass(HOUR);
    for (const [parcel] of world.parcels.entries())
      if (!acknowledged.has(parcel)) await one({ kind: "send", parcel, backup: false }, "again");
    for (const act of simulation.owed) await one(act, "asked again");
    await one({ kind: "sweep" }, "sweep");
    while (queues.main.some(({ visibleAt }) => visibleAt <= gate.now()))
      await one({ kind: "consume", most: 100 }, "consume");
    await one({ kind: "bury" }, "bury");
    if (witness.lost && !(await isRebuilt())) await one({ kind: "rebuild" }, "rebuild");
    const all = await env.DB.prepare("SELECT id FROM dead_letters WHERE element IS NULL ORDER BY id").all<{
      id: string;
    }>();
    const parcelOf = (id: string) => world.parcels[witness.envelopes.get(id) ?? -1];
    const whole = all.results.filter(({ id }) => parcelOf(id)?.kills !== true); // nobody replays a deadly one
    for (const { id } of whole) {
      if (parcelOf(id)?.spared === true) witness.refused.push(`an innocent delivery was given up: ${id}`);
      const begun = replay(simulation, id, "replay");
      await gate.run([begun.runner], 0, calm);
    }
    const waiting = queues.main.length + queues.dead.length + whole.length;
    const spooled = await env.BUCKET.list({ prefix: "spool/", limit: 1 });
    const givenUp = await env.BUCKET.list({ prefix: "given-up/", limit: 1 });
    const told = acknowledged.size === world.parcels.length && simulation.owed.size === 0;
    const erasing = await env.DB.prepare(
      "SELECT id FROM erasures WHERE finished_at IS NULL UNION ALL SELECT id FROM removals WHERE finished_at IS NULL",
    ).first();
    const kept = spooled.objects.length + givenUp.objects.length;
    if (waiting > 0 || kept > 0 || !told || erasing !== null) continue;
    if (witness.lost && !(await isRebuilt())) continue;
    if (world.mistaken !== null) await one({ kind: "renormalise" }, "read anew");
    return true;
  }
  return false;
}
