// The working part of a pipe's object: loads the pipe (its kind, secrets and filter) and delivers page after page. It
// is apart from pipe.ts because everything heavy hangs on it, and a pipe that rests needs none of that.

import { storeOf } from "../store/db.ts";
import { pausePipe, type PipeRecord } from "../store/pipes/pipes.ts";
import { rateOf, restOf } from "./limits.ts";
import { loadPipe, type RunnablePipe } from "./load.ts";
import { createPace, type Pace } from "./round/pace.ts";
import { createReader } from "./round/reader.ts";
import { workRound } from "./round/round.ts";
import type { Progress, Round } from "./round/context.ts";

/** What a pipe's object gives its working part. */
type PipeParts = Pick<Round, "env" | "state" | "retries" | "redeliveries">;

/** Until when a pipe rests, ms, so that more events gather for its next request. */
export interface Rest {
  restUntil: number;
}

/** The working part of one object. It lives as long as the object is in memory. */
export interface PipeWorker {
  /** A new run begins: pages read in advance may be old by now. */
  beginRun(): void;
  /** Loads the pipe anew before it works again. */
  reload(): void;
  /**
   * Delivers one page of everything that waits. Begins no request after `until`, ms. A pipe that delivered something a
   * moment ago may have to rest instead: see `restOf` of its kind.
   */
  work(record: PipeRecord, until: number): Promise<Progress | Rest>;
}

/** Makes the working part. */
export function createWorker(parts: PipeParts): PipeWorker {
  const { env } = parts;
  const reader = createReader(env);
  const kept: Round["kept"] = new Map();
  let loaded: RunnablePipe | null = null;
  let answers = { byEvent: false };
  let paced: { rate: number | null; pace: Pace } = { rate: null, pace: createPace(null) };

  const pause = async ({ id, name }: PipeRecord, reason: string): Promise<"paused"> => {
    loaded = null;
    await pausePipe(storeOf(env), { pipe: { id, name }, reason, at: Date.now(), told: true });
    console.error({ message: "a pipe was paused", pipe: id, reason });
    return "paused";
  };
  return {
    beginRun: () => reader.forget(),
    reload: () => {
      loaded = null;
    },
    work: async (record, until) => {
      if (loaded?.record.revision !== record.revision) {
        const result = await loadPipe(env, record);
        if (!result.ok) return await pause(record, result.reason);
        loaded = result.value;
        answers = { byEvent: false };
      }
      const restUntil = restOf(loaded, parts.state.current().delivered_at);
      if (restUntil > Date.now()) return { restUntil };
      const rate = rateOf(loaded);
      if (paced.rate !== rate) paced = { rate, pace: createPace(rate) }; // one pace over all pages
      const pipe = loaded;
      return await workRound({
        ...parts,
        pipe,
        reader,
        kept,
        answers,
        logging: { done: Promise.resolve() },
        until,
        pace: paced.pace,
        pause: async (reason) => await pause(pipe.record, reason),
      });
    },
  };
}
