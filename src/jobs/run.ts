// Runs the scheduled jobs isolated from each other. Each has a deadline, its failure does not affect the others, and a
// hung job occupies one of the lanes only until its deadline. All deadlines together, divided by the number of lanes,
// are far below the 15 minutes that the platform allows a scheduled run. There are only a few lanes, so that the
// running jobs have enough memory and enough of an invocation's six connections
// (https://developers.cloudflare.com/workers/platform/limits/#simultaneous-open-connections).
//
// A run that exceeded its deadline may still be working when the same job begins again a minute later. That does no
// harm: every job does a bounded amount of work, and may break off and begin again at any line.

import { within } from "../lib/deadline.ts";
import { describeError } from "../lib/outage.ts";
import { inPool } from "../lib/pool.ts";
import { storeOf } from "../store/db.ts";
import { noteJobRun, type JobRun } from "../store/jobs.ts";
import { JOBS } from "./index.ts";
import type { Job } from "./job.ts";

/** How many jobs run at the same time. */
const LANES = 2;
/** Deadline for recording how a run ended, ms. An unavailable database delays a job by no more than that. */
const NOTING = 5_000;

/** Runs every job once. Never rejects: failures are logged and recorded. `env`: with its outages tagged. */
export async function runJobs(env: Env, jobs: readonly Job[] = JOBS): Promise<void> {
  await inPool(jobs, { atOnce: LANES }, async (job) => await note(env, await runOne(env, job)));
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
