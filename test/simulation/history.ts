// A history in progress: the state that its parts share, and the runs of the Worker that its acts lead to.

import { createExecutionContext } from "cloudflare:test";
import worker from "../../src/index.ts";
import type { Random } from "../../src/demo/traffic/random.ts";
import type { Gate, Runner } from "./gate.ts";
import type { PipeSide } from "./pipe-acts.ts";
import type { Queues } from "./queue.ts";
import type { Witness } from "./witness.ts";
import type { Act, Round, World } from "./world.ts";

/** The state of a history in progress. */
export interface Simulation {
  world: World;
  /**
   * A new token for each history: the Worker notes a token's first use, and every history must begin in the same state.
   */
  apiToken: string;
  queues: Queues;
  gate: Gate;
  rotation: Round["rotation"];
  /** Whether all sources are configured correctly by now. */
  mended: boolean;
  /** The parcel that a runner delivers. */
  brings: Map<Runner, number>;
  /** The envelope that the source made of what a runner delivers. */
  made: Map<Runner, string>;
  witness: Witness;
  /** Parcels for which the ESP saw a 200. */
  acknowledged: Set<number>;
  /** Requests of people that no answer has confirmed yet. */
  owed: Set<Asked>;
  /** Parts that an ESP may vary between two deliveries are drawn again for each. */
  content: Random;
  pipes: PipeSide | null;
}

/** A request that a person repeats until it is done. */
export type Asked = Extract<Act, { contact: string } | { source: string }>;

/** A run of the Worker, and what is done after its end. `died`: whether its process died. */
export interface Begun {
  runner: Runner;
  end(died: boolean): void;
}

/** A run under this name; `end` is called after it. */
export function invocation(name: string, start: Runner["start"], end: Begun["end"] = () => {}): Begun {
  return { runner: { name, skew: 0, start, outcome: { ended: "no", value: null } }, end };
}

/** Sends a request to the Worker; returns the status. */
export async function fetchFrom(
  request: Request,
  bindings: Env,
  side: Pick<Simulation, "pipes">,
): Promise<number> {
  return await inContext(side, async (context) => (await worker.fetch(request, bindings, context)).status);
}

/** If there are pipes, a run ends once they are woken. */
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
