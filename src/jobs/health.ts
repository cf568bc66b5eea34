// The health of the scheduled jobs: the stored record of each, and a description of its problem, if it has one.

import type { JobRecord, JobRecords } from "../store/jobs.ts";
import type { Job } from "./job.ts";

/** A job, its stored record (null if there is none yet) and its health. Times in ms since the epoch. */
export interface JobHealth {
  job: Job;
  record: JobRecord | null;
  /** Null while the job is healthy: it has succeeded within its patience, or has not existed for that long. */
  problem: string | null;
}

/** The health of the jobs, in their order. `now`: ms since the epoch. Pure. */
export function healthOf(
  jobs: readonly Job[],
  { since, jobs: records }: Pick<JobRecords, "since" | "jobs">,
  now: number,
): JobHealth[] {
  return jobs.map((job) => {
    const record = records.get(job.name) ?? null;
    return { job, record, problem: problemOf(job, record, since, now) };
  });
}

function problemOf(
  { patience }: Job,
  record: JobRecord | null,
  since: number | null,
  now: number,
): string | null {
  const succeeded = record?.succeeded_at ?? null;
  const start = succeeded ?? record?.since ?? since;
  if (start === null || now - start <= patience) return null;
  const when = succeeded === null ? "has not succeeded yet, in" : "has not succeeded for";
  return `${when} ${Math.floor((now - start) / 60_000)} minutes`;
}
