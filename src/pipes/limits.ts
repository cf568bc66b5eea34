// How fast a pipe may call its destination: what the person chose, and what the destination takes.

import type { RunnablePipe } from "./load.ts";

/** Most requests a second: what the person chose, or what the kind allows if that is less; null for no limit. */
export function rateOf({
  kind,
  options,
}: Pick<RunnablePipe, "kind"> & { options: Pick<RunnablePipe["options"], "rate"> }): number | null {
  const rates = [options.rate, kind.rate ?? null].filter((rate) => rate !== null);
  return rates.length === 0 ? null : Math.min(...rates);
}

/**
 * Until when the pipe rests, ms, so that more events gather for its next request; 0 if it does not. `deliveredAt`: when
 * it last delivered something, ms; null if it never did.
 */
export function restOf(
  { kind, settings }: Pick<RunnablePipe, "kind" | "settings">,
  deliveredAt: number | null,
): number {
  return deliveredAt === null || kind.restOf === undefined ? 0 : deliveredAt + kind.restOf(settings);
}
