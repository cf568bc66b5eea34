// Reduces a history that breaks a promise to the parts that are needed for it, and prints it so that a person can
// follow it.

import type { Verdict } from "./simulate.ts";
import type { Act, Round, World } from "./world.ts";

/** The most smaller histories that are tried. */
const MOST_TRIES = 150;

/** The smallest history found that still fails, and its result. */
export async function shrink(
  world: World,
  verdict: Verdict,
  simulate: (world: World) => Promise<Verdict>,
): Promise<[World, Verdict]> {
  let [smallest, found] = [world, verdict];
  let tries = 0;
  for (let progress = true; progress;) {
    progress = false;
    for (const smaller of smallerThan(smallest)) {
      if (tries++ >= MOST_TRIES) return [smallest, found];
      const tried = await simulate(smaller);
      if (tried.violations.length === 0) continue;
      [smallest, found, progress] = [smaller, tried, true];
      break; // continue with the reductions of this one
    }
  }
  return [smallest, found];
}

function* smallerThan(world: World): Generator<World> {
  const { rounds, parcels } = world;
  for (let size = rounds.length >> 1; size > 0; size >>= 1)
    for (let at = 0; at < rounds.length; at += size) yield { ...world, rounds: rounds.toSpliced(at, size) };
  for (const index of parcels.keys()) yield without(world, index);
  for (const index of world.pipes.keys()) yield withoutPipe(world, index);
  for (const [index, round] of rounds.entries()) {
    for (const act of round.acts.keys())
      yield withRound(world, index, { ...round, acts: round.acts.toSpliced(act, 1) });
    if (round.faults > 0) yield withRound(world, index, { ...round, faults: 0 });
    if (round.evicted.length > 0) yield withRound(world, index, { ...round, evicted: [] });
    if (round.rotation > 0) yield withRound(world, index, { ...round, rotation: 0 });
    if (round.moods?.some((mood) => mood !== "well") === true)
      yield withRound(world, index, { ...round, moods: round.moods.map(() => "well" as const) });
    if ((round.restarted ?? []).length > 0) yield withRound(world, index, { ...round, restarted: [] });
  }
  for (const [index, parcel] of parcels.entries()) {
    for (const report of parcel.reports.length > 1 ? parcel.reports.keys() : []) {
      const fewer = { ...parcel, reports: parcel.reports.toSpliced(report, 1) };
      yield { ...world, parcels: parcels.with(index, fewer) };
    }
  }
}

function withRound(world: World, index: number, round: Round): World {
  return { ...world, rounds: world.rounds.with(index, round) };
}

/** The world without a parcel, and without the acts that send it. */
function without(world: World, index: number): World {
  const acts = (all: readonly Act[]): Act[] =>
    all
      .filter((act) => act.kind !== "send" || act.parcel !== index)
      .map((act) => (act.kind === "send" && act.parcel > index ? { ...act, parcel: act.parcel - 1 } : act));
  const rounds = world.rounds.map((round) => ({ ...round, acts: acts(round.acts) }));
  return { ...world, parcels: world.parcels.toSpliced(index, 1), rounds };
}

/** The world without a pipe, and without all acts on it. */
function withoutPipe(world: World, index: number): World {
  const acts = (all: readonly Act[]): Act[] =>
    all
      .filter((act) => !("pipe" in act) || act.pipe !== index)
      .map((act) => ("pipe" in act && act.pipe > index ? { ...act, pipe: act.pipe - 1 } : act));
  const rounds = world.rounds.map((round) => ({
    ...round,
    acts: acts(round.acts),
    moods: (round.moods ?? []).toSpliced(index, 1),
    restarted: (round.restarted ?? []).flatMap((n) => (n === index ? [] : [n > index ? n - 1 : n])),
  }));
  return { ...world, pipes: world.pipes.toSpliced(index, 1), rounds };
}

/** The history and its result, as text. */
export function tell(world: World, { violations, log }: Verdict): string {
  const parcels = world.parcels.map(({ dialect, reports, poison, filler, kills }, index) => {
    const told = reports.map(({ what, mail, at }) => `${what} ${mail.contact} ${new Date(at).toISOString()}`);
    const extra = [
      poison > 0 ? (kills === true ? "a deadly element" : "an unreadable element") : "",
      filler > 0 ? "a long text" : "",
    ];
    return `  ${index}: ${dialect.source}: ${[...told, ...extra].filter((word) => word !== "").join("; ")}`;
  });
  const pipes = world.pipes.map((plan) => `  ${JSON.stringify(plan)}`);
  const rounds = world.rounds.map(({ acts, faults, wait, moods = [] }) => {
    const told = acts
      .map((act) =>
        act.kind === "send"
          ? `send ${act.parcel}`
          : "contact" in act
            ? `${act.kind} ${act.contact}`
            : "source" in act
              ? `${act.kind} ${act.source}`
              : "pipe" in act
                ? `${act.kind} ${world.pipes[act.pipe]?.name ?? ""}`
                : act.kind,
      )
      .join(", ");
    const receivers = moods.length > 0 ? ` (receivers: ${moods.join(", ")})` : "";
    return `  after ${wait} ms, faults ${faults}: ${told}${receivers}`;
  });
  const sections = {
    violations: violations.map((v) => `  ${v}`),
    parcels,
    pipes,
    rounds,
    log: log.map((l) => `  ${l}`),
  };
  return Object.entries(sections)
    .map(([title, lines]) => [title, ...lines].join("\n"))
    .join("\n");
}
