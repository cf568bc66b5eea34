// What a scheduled job is: named work that every run of the clock begins anew, and that may break off at any line.

/** Figures of what a run did, for the log; undefined where it did nothing worth a line. */
export type JobFigures = Record<string, number> | undefined;

export interface Job {
  /** Kebab-case, the same for ever: its records are kept under it. */
  name: string;
  /** What it does, in one sentence. */
  does: string;
  /** How long one run may take, ms. Then the run counts as failed and holds up no other any more. */
  deadline: number;
  /** How long (ms) it may go without success before /healthz calls that a problem. */
  patience: number;
  /** One run. Whatever it throws is noted as its failure. `now`: ms. */
  run(env: Env, now: number): Promise<JobFigures>;
}
