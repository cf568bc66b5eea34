// One history under way: what its parts share, and runs of the Worker that they make of acts.

import { createExecutionContext } from "cloudflare:test";
import worker from "../../src/index.ts";
import type { Random } from "../../src/demo/traffic/random.ts";
import type { Gate, Runner } from "./gate.ts";
import type { PipeSide } from "./pipe-acts.ts";
import type { Queues } from "./queue.ts";
import type { Witness } from "./reference.ts";
import type { Act, Round, World } from "./world.ts";

export interface Simulation {
  world: World;
  /** Another one for each history: the Worker notes a token's first use, and every history has to begin alike. */
  apiToken: string;
  queues: Queues;
  gate: Gate;
  rotation: Round["rotation"];
  /** Whether all sources are told rightly. */
  mended: boolean;
  /** The parcel that a runner brings. */
  brings: Map<Runner, number>;
  witness: Witness;
  /** Parcels for which the ESP saw a 200. */
  acknowledged: Set<number>;
  /** What people asked for and were not told that it is done. */
  owed: Set<Asked>;
  /** What an ESP may vary between two deliveries is drawn anew for each. */
  content: Random;
  pipes: PipeSide | null;
}

/** What somebody asks for, and goes on asking for until it is done. */
export type Asked = Extract<Act, { contact: string }>;

export interface Begun {
  runner: Runner;
  end(died: boolean): void;
}

export function invocation(name: string, start: Runner["start"], end: Begun["end"] = () => {}): Begun {
  return { runner: { name, skew: 0, start, outcome: { ended: "no", value: null } }, end };
}

export async function fetchFrom(
  request: Request,
  bindings: Env,
  side: Pick<Simulation, "pipes">,
): Promise<number> {
  return await inContext(side, async (context) => (await worker.fetch(request, bindings, context)).status);
}

/** Where there are pipes, a run ends once they are woken. */
export async function inContext<T>(
  { pipes }: Pick<Simulation, "pipes">,
  work: (context: ExecutionContext) => Promise<T> | T,
): Promise<T> {
  if (pipes === null) return await work(createExecutionContext());
  const later: Promise<unknown>[] = [];
  const waitUntil = (promise: Promise<unknown>): void => void later.push(promise);
  const answer = await work({ waitUntil, passThroughOnException: () => {}, props: {} } as ExecutionContext);
  await Promise.allSettled(later);
  return answer;
}
