// Runs one history against the Worker's own three handlers, on the real local database, objects and bucket, lets
// everything come to rest without further faults, and then checks the state against the reference.

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import { randomFrom } from "../../src/demo/traffic/random.ts";
import { headerOf } from "../../src/model/envelope.ts";
import { begin, sweeping } from "./acts.ts";
import { armSight } from "./deadly.ts";
import type { Producer } from "./bindings.ts";
import { configurationOf } from "./configuration.ts";
import { checkUnderWay } from "./erased.ts";
import { evict, forget } from "./forget.ts";
import { makeGate, type Runner } from "./gate.ts";
import { heal } from "./healing.ts";
import type { Begun, Simulation } from "./history.ts";
import { listenerOf } from "./listener.ts";
import { healPipes, lookAfterRound, makePipes, type PipeSide } from "./pipe-acts.ts";
import { checkPiped } from "./piped.ts";
import { askAnew } from "./questions.ts";
import { enqueue, makeQueues } from "./queue.ts";
import { check } from "./reference.ts";
import { makeReturns, noteReturn } from "./returns.ts";
import type { Witness } from "./witness.ts";
import { checkKept, look } from "./retention.ts";
import type { Act, Round, World } from "./world.ts";
import { loadLazyModules } from "../support/lazy.ts";

await loadLazyModules();

const HOUR = 3_600_000;

/** The number of histories that this process has begun. */
let histories = 0;

/** The result of a history. */
export interface Verdict {
  /** The violations; empty if every promise was kept. */
  violations: string[];
  log: string[];
  witness: Witness;
}

/** Runs the history of a world to its end and checks it. */
export async function simulate(world: World): Promise<Verdict> {
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: world.start });
  const quiet = (["log", "warn", "error"] as const).map((level) =>
    vi.spyOn(console, level).mockImplementation(() => {}),
  );
  const random = randomFrom(world.seed + 1);
  const chance = vi.spyOn(Math, "random").mockImplementation(() => random.next());
  const bytes = vi.spyOn(crypto, "getRandomValues").mockImplementation((array) => {
    if (array instanceof Uint8Array) for (let i = 0; i < array.length; i++) array[i] = random.between(0, 255);
    return array;
  });
  try {
    await forget(world);
    askAnew();
    if (world.pipes.length === 0) return await play(world, null);
    // All of it runs within an object, because its storage may only be used there.
    const home = env.PIPES.getByName("the home of simulated pipes");
    return await runInDurableObject(home, async (_pipe, state) => await play(world, state));
  } finally {
    for (const spy of [...quiet, chance, bytes]) spy.mockRestore();
    if (vi.isMockFunction(globalThis.fetch)) vi.mocked(globalThis.fetch).mockRestore();
    vi.useRealTimers();
  }
}

async function play(world: World, home: DurableObjectState | null): Promise<Verdict> {
  const apiToken = `simulation-${(histories += 1)}`;
  const queues = makeQueues(world.retries);
  const brings = new Map<Runner, number>();
  const made = new Map<Runner, string>();
  const witness: Witness = {
    world,
    envelopes: new Map(),
    processed: new Set(),
    consumed: new Map(),
    accepted: [],
    refused: [],
    received: new Map(),
    known: new Map(),
    deeds: [],
    claims: [],
    erasures: [],
    promised: [],
    removals: [],
    returns: makeReturns(),
  };
  const producer: Producer = {
    send: (bodies) => enqueue(queues, bodies, gate.now()),
    seen: (frame, runner) => {
      if (noteReturn(witness.returns, frame, runner)) return;
      const parcel = brings.get(runner);
      if (parcel === undefined || !(frame instanceof Uint8Array)) return;
      const { id, receivedAt } = headerOf(frame);
      witness.envelopes.set(id, parcel);
      witness.received.set(id, receivedAt);
      made.set(runner, id);
    },
  };
  const pipes = home === null ? null : await makePipes(world, home, () => gate, witness.returns);
  const gate = makeGate(
    world.start,
    producer,
    listenerOf(witness, pipes),
    () => configurationOf(simulation),
    pipes?.objects.of ?? null,
  );
  const disarm = world.parcels.some(({ kills }) => kills) ? armSight((run) => gate.die(run)) : () => {};
  const content = randomFrom(world.seed + 2);
  const acknowledged = new Set<number>();
  const common = { world, apiToken, queues, gate, brings, made, witness, acknowledged, content, pipes };
  const simulation: Simulation = { ...common, rotation: 0, mended: world.mistaken === null, owed: new Set() };
  for (const [i, round] of world.rounds.entries()) {
    gate.log.push(`-- round ${i + 1}, after ${round.wait} ms`);
    simulation.mended ||= world.mistaken === null || i >= world.mistaken.until;
    await playRound(simulation, round);
  }
  gate.log.push("-- no more faults");
  const atRest = await heal(simulation);
  disarm();
  const violations = atRest ? [] : ["it does not come to rest"];
  if (pipes !== null) violations.push(...(await endOfPipes(simulation, pipes)));
  const checked = [...violations, ...witness.refused, ...(await check(witness))];
  const all = checked.length > 0 ? checked : await endWhatIsOld(simulation);
  return { violations: all, log: gate.log, witness };
}

/** Lets the pipes deliver everything, however long that takes; returns the violations. */
async function endOfPipes(simulation: Simulation, pipes: PipeSide): Promise<string[]> {
  const { gate, world, witness, queues } = simulation;
  const calm = randomFrom(world.seed + 9);
  gate.log.push("-- the pipes catch up");
  const one = async (act: Act, name: string): Promise<void> => {
    const begun = await begin(simulation, act, name, null);
    if (begun === null) return;
    await gate.run([begun.runner], 0, calm);
    begun.end(begun.runner.outcome.ended === "died");
  };
  const atRest = await healPipes(pipes, gate, one, async () => {
    const open = witness.returns.all.filter(({ accepted }) => !accepted);
    for (const _ of open) await one({ kind: "return" }, "comes back");
    while (queues.main.some(({ visibleAt }) => visibleAt <= gate.now()))
      await one({ kind: "consume", most: 100 }, "consume");
  });
  const late = await lookAfterRound(pipes, witness.erasures);
  const wrong = await checkPiped(pipes.piped(witness.erasures));
  return [...(atRest ? [] : ["the pipes do not come to rest"]), ...late, ...wrong];
}

/** Long afterwards makes two concurrent scheduled runs with faults, and then one without; returns the violations. */
async function endWhatIsOld({ world, gate }: Simulation): Promise<string[]> {
  if (world.kept === null) return [];
  const before = await look();
  const calm = randomFrom(world.seed + 5);
  gate.log.push(`-- ${world.kept.later} days after the beginning`);
  gate.pass(Math.max(0, world.start + world.kept.later * 24 * HOUR - gate.now()));
  for (const [names, faults] of [
    [["first", "second"], 0.15],
    [["last"], 0],
  ] as const)
    await gate.run(
      names.map((name) => sweeping(name).runner),
      faults,
      calm,
    );
  return await checkKept(before, world.kept, gate.now());
}

async function playRound(simulation: Simulation, round: Round): Promise<void> {
  const { gate } = simulation;
  const random = randomFrom(round.seed);
  gate.pass(round.wait);
  simulation.rotation = round.rotation;
  for (const contact of round.evicted) await evict(contact);
  const { pipes, witness } = simulation;
  pipes?.restart(round);
  const all: Begun[] = [];
  for (const [i, act] of round.acts.entries()) {
    const begun = await begin(simulation, act, `${act.kind} ${i + 1}`, random, round.acts);
    if (begun === null) continue;
    const skew = random.pick([0, 0, -5_000, 5_000]);
    const { erasing, removing } = simulation.world;
    begun.runner.skew = erasing || removing === true || round.agreed === true ? 0 : skew;
    all.push(begun);
  }
  const runners = all.map(({ runner }) => runner);
  await gate.run(runners, round.faults, random, round.trap);
  for (const begun of all) begun.end(begun.runner.outcome.ended === "died");
  if (witness.erasures.length > 0) witness.refused.push(...(await checkUnderWay()));
  if (pipes !== null) witness.refused.push(...(await lookAfterRound(pipes, witness.erasures)));
}
