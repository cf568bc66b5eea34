// What all parts of a round work with.

import type { Attempt } from "../kinds/kind.ts";
import type { RunnablePipe } from "../load.ts";
import type { Redeliveries } from "../redeliveries.ts";
import type { Retries } from "../retries.ts";
import type { StateStore } from "../state.ts";
import type { Pace } from "./pace.ts";
import type { Reader } from "./reader.ts";

/**
 * How far a round, or a part of it, came.
 * - `idle`: nothing is left to do for now.
 * - `more`: more may be waiting.
 * - `stopped`: nothing more may be sent now; the circuit says until when.
 * - `paused`: the pipe paused itself.
 */
export type Progress = "idle" | "more" | "stopped" | "paused";

/** A round of one pipe. */
export interface Round {
  env: Env;
  state: StateStore;
  retries: Retries;
  redeliveries: Redeliveries;
  pipe: RunnablePipe;
  reader: Reader;
  pace: Pace;
  /** What kinds keep between attempts, such as access tokens. */
  kept: Attempt["kept"];
  /** What is known of how the destination answers: whether it has answered for single events of a batch. */
  answers: { byEvent: boolean };
  /** The last write of the log of deliveries, which is awaited at the round's end. */
  logging: { done: Promise<void> };
  /** No request begins after this, ms; 0 once the pipe rests. */
  until: number;
  /** Pauses the pipe for this reason, and tells the other pipes. */
  pause: (reason: string) => Promise<"paused">;
}
