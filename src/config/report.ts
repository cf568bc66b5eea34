// The problems of the configuration, and the function by which each part of it reports them.

/** A mistake in the configuration. */
export interface Problem {
  /** The setting's path, e.g. `SOURCES.eu-newsletter.ips[1]`. */
  setting: string;
  /** A text without the value. */
  reason: string;
  /** The second part of the path, if people chose it. It may be a secret by mistake: see public-problems.ts. */
  name?: string;
  /** The last part of the path, if people chose it and it resembles no setting. */
  key?: string;
}

/**
 * Reports a problem. `setting`: its path, e.g. `SOURCES.eu-newsletter.ips.1`; `reason`: a text without the value,
 * because values may be secrets; `name`: the second part of the path, if people chose it.
 */
export type Report = (setting: string, reason: string, name?: string) => void;

/** Reports the problems of what people gave this name. */
export const about =
  (report: Report, name: string): Report =>
  (setting, reason) =>
    report(setting, reason, name);
