// Runs the scheduled jobs so that none holds up another: each has a deadline, its failure stays its own, and a hung one
// takes one of the lanes until its deadline and no more. All deadlines together, shared by the lanes, stay far below the 15
// minutes that the platform gives a scheduled run; and few lanes keep memory and the six connections of an invocation
// (https://developers.cloudflare.com/workers/platform/limits/#simultaneous-open-connections) for those that run.
//
// A run that was given up may still be at work when the next minute begins the same job again. That does no harm: every
// job takes a bounded share, and may break off and begin again at any line.

import { within } from "../lib/deadline.ts";
import { describeError } from "../lib/outage.ts";
import { storeOf } from "../store/db.ts";
import { noteJobRun, type JobRun } from "../store/jobs.ts";
import { withOutages } from "../store/outages.ts";
import { JOBS } from "./index.ts";
import type { Job } from "./job.ts";

const LANES = 2;
/** ms to note how a run ended. A database that is down costs a job no more than that. */
const NOTING = 5_000;

/** Runs every job once. Never rejects: what failed is logged and noted. */
export async function runJobs(bindings: Env, jobs: readonly Job[] = JOBS): Promise<void> {
  const env = withOutages(bindings);
  const waiting = [...jobs];
  const lane = async (): Promise<void> => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift())
      await note(env, await runOne(env, job));
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

async function runOne(env: Env, job: Job): Promise<JobRun> {
  const { name } = job;
  const began = Date.now();
  try {
    const figures = await within(job.deadline, `the job ${name}`, job.run(env, began));
    if (figures !== undefined) console.log({ message: "a job did its work", job: name, ...figures });
    return { name, at: Date.now(), took: Date.now() - began, reason: null };
  } catch (error) {
    const described = describeError(error);
    console.error({ message: "a job failed", job: name, ...described });
    return { name, at: Date.now(), took: Date.now() - began, reason: described.error };
  }
}

async function note(env: Env, run: JobRun): Promise<void> {
  try {
    await within(NOTING, "the database", noteJobRun(storeOf(env), run));
  } catch (error) {
    console.error({ message: "the end of a job was not noted", job: run.name, ...describeError(error) });
  }
}
