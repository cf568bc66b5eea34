// How long events and raw deliveries are kept.

/** How long is kept, in days; null for ever. */
export interface Retention {
  eventsDays: number | null;
  archiveDays: number | null;
}

export const KEEP_ALL: Retention = { eventsDays: null, archiveDays: null };

/**
 * The shortest time, in days: an event must outlive the claims on it and whatever repeats or retries of it may come, or it
 * would be stored and counted again.
 */
export const LEAST_DAYS = 35;
