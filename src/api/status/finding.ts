// What /v1/status finds: one thing that is bad, what it means, and what to do about it, each in a sentence for people.

/** What a finding is about. */
export const SUBJECTS = ["configuration", "database", "job", "pipe", "source", "dead_letters"] as const;

/** One thing that is bad. */
export interface Finding {
  about: (typeof SUBJECTS)[number];
  /** The name of the setting, job, pipe or source; null if it is about none. */
  name: string | null;
  finding: string;
  advice: string;
  /** Since when, ms; null if that is not known. */
  since: number | null;
}
