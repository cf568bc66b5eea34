// The signing secrets of one pipe over time. A new one signs beside those before it, because its receivers change one by
// one; each older one ends a day after it was replaced. So a rotation, however often it is repeated, never takes away a
// secret that a receiver may still rely on.

import { DAY } from "../../lib/time.ts";

/** A secret as settings hold it: alone, or with the time at which it ends, ms since the epoch. */
export type SigningSecret = string | { secret: string; until: number };

/** How many secrets sign at once. */
export const MOST_SECRETS = 3;

/** How long a secret still signs after it was replaced, ms. */
export const OVERLAP = DAY;

/** The secret itself. */
export function textOf(one: SigningSecret): string {
  return typeof one === "string" ? one : one.secret;
}

/** When a secret ends, ms; null if no end is set. */
export function endOf(one: SigningSecret): number | null {
  return typeof one === "string" ? null : one.until;
}

/** The secrets that sign at `now` (ms), the newest first. */
export function activeSecrets(secrets: readonly SigningSecret[], now: number): SigningSecret[] {
  return secrets.filter((one) => (endOf(one) ?? Infinity) > now);
}

/** When the secrets beside the newest one end, ms, in their order; null for those without an end. */
export function endsOfOlder(secrets: readonly SigningSecret[], now: number): (number | null)[] {
  return activeSecrets(secrets, now).slice(1).map(endOf);
}

/**
 * The secrets once `fresh` is the newest. Those before it end within a day, or `atOnce`. Null if three are in use: a
 * fourth would have to drop one of them.
 */
export function withNewest(
  fresh: string,
  secrets: readonly SigningSecret[],
  { now, atOnce }: { now: number; atOnce: boolean },
): SigningSecret[] | null {
  const active = atOnce ? [] : activeSecrets(secrets, now);
  if (active.length >= MOST_SECRETS) return null;
  return [fresh, ...active.map((one) => ({ secret: textOf(one), until: endOf(one) ?? now + OVERLAP }))];
}
