// How the parts of the configuration report what is wrong with them.

/** Reports a problem. `setting`: its path, e.g. `SOURCES.eu-newsletter.ips.1`; `reason`: never a value, for values are secrets. */
export type Report = (setting: string, reason: string) => void;
