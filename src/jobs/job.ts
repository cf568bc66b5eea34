// The type of a scheduled job: named work that every scheduled run begins again, and that may break off at any line.

/** Figures for the log about one run; undefined if the run did nothing worth a log line. */
export type JobFigures = Record<string, number> | undefined;

/** A scheduled job. */
export interface Job {
  /** In kebab-case. It must never change, because it is the key of the job's stored record. */
  name: string;
  /** What it does, in one sentence. The API shows it. */
  does: string;
  /** How long one run may take, ms. After that the run counts as failed and no longer delays other jobs. */
  deadline: number;
  /** How long it may go without success before /healthz reports a problem, ms. */
  patience: number;
  /** Does one run. If it rejects, the error is recorded as the run's failure. `now`: ms since the epoch. */
  run(env: Env, now: number): Promise<JobFigures>;
}
