// How the runs of the scheduled jobs ended. A job that succeeds every minute must not cost a written row every minute,
// so the statements themselves decide whether there is anything new to write.

import type { Db } from "./db.ts";

/** The stored record of a job. Times and durations in ms. */
export interface JobRecord {
  name: string;
  since: number;
  succeeded_at: number | null;
  success_ms: number | null;
  failing_since: number | null;
  failed_at: number | null;
  failure_ms: number | null;
  reason: string | null;
}

/** How one run of a job ended: `at` when (ms), `took` how long (ms), `reason` why it failed; null if it succeeded. */
export interface JobRun {
  name: string;
  at: number;
  took: number;
  reason: string | null;
}

/** For how long (ms) an unchanged outcome is not written again. Stored times may be this much too early. */
export const JOB_GRAIN = 600_000;

const SUCCEEDED = `
  INSERT INTO jobs (name, since, succeeded_at, success_ms) VALUES (?1, ?2, ?2, ?3)
  ON CONFLICT DO UPDATE SET succeeded_at = excluded.succeeded_at, success_ms = excluded.success_ms, failing_since = NULL
  WHERE failing_since IS NOT NULL OR succeeded_at IS NULL OR succeeded_at <= ?2 - ${JOB_GRAIN}`;

const FAILED = `
  INSERT INTO jobs (name, since, failing_since, failed_at, failure_ms, reason) VALUES (?1, ?2, ?2, ?2, ?3, ?4)
  ON CONFLICT DO UPDATE SET failing_since = coalesce(failing_since, excluded.failing_since),
    failed_at = excluded.failed_at, failure_ms = excluded.failure_ms, reason = excluded.reason
  WHERE failing_since IS NULL OR reason IS NOT excluded.reason OR failed_at <= ?2 - ${JOB_GRAIN}`;

/** Stores how a run ended, if that is new. Returns the rows written, as D1 counts and bills them. */
export async function noteJobRun(db: Db, { name, at, took, reason }: JobRun): Promise<number> {
  const statement =
    reason === null
      ? db.prepare(SUCCEEDED).bind(name, at, took)
      : db.prepare(FAILED).bind(name, at, took, reason);
  return (await statement.run()).meta.rows_written;
}

/** The records of all jobs. */
export interface JobRecords {
  /** Since when the jobs should be running, ms; null if the database has no such entry. */
  since: number | null;
  /** By name. */
  jobs: ReadonlyMap<string, JobRecord>;
  /** Size of the database, bytes. Every query's answer tells it. */
  size: number;
}

/** Reads the records of all jobs. */
export async function readJobs(db: Db): Promise<JobRecords> {
  const { results, meta } = await db.prepare("SELECT * FROM jobs").all<JobRecord>();
  const jobs = new Map(results.map((record) => [record.name, record]));
  const since = jobs.get("")?.since ?? null;
  jobs.delete("");
  return { since, jobs, size: meta.size_after };
}
