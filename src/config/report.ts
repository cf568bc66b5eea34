// The function type by which each part of the configuration reports its problems.

/**
 * Reports a problem. `setting`: its path, e.g. `SOURCES.eu-newsletter.ips.1`; `reason`: a text without the value,
 * because values may be secrets.
 */
export type Report = (setting: string, reason: string) => void;
