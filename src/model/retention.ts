// How long events and archived deliveries are kept.

/** Retention times in days. Null keeps the data for ever. */
export interface Retention {
  eventsDays: number | null;
  archiveDays: number | null;
}

/** The default: nothing is deleted. */
export const KEEP_ALL: Retention = { eventsDays: null, archiveDays: null };

/**
 * The shortest retention that may be configured, in days. An event must outlive its claim and every possible repeat or
 * retry of it. Otherwise a late repeat would be stored and counted again.
 */
export const LEAST_DAYS = 35;
