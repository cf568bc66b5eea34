// Whether the scheduled jobs do their work: what is kept of each, and what is wrong with it in words.

import type { JobRecord, JobRecords } from "../store/jobs.ts";
import type { Job } from "./job.ts";

/** A job and what became of it. Times in ms. */
export interface JobHealth {
  job: Job;
  record: JobRecord | null;
  /** Null while it is well: it succeeded lately, or has not had the time to. */
  problem: string | null;
}

/** The health of the jobs, in their order. `now`: ms. Pure. */
export function healthOf(
  jobs: readonly Job[],
  { since, jobs: records }: JobRecords,
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
