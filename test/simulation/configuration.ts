// The vars and secrets of a simulated Worker: rotating credentials, and sources that are first configured wrongly.

import { MISTAKEN } from "./reports.ts";
import { LOOP, LOOP_TOKEN } from "./returns.ts";
import type { Simulation } from "./history.ts";
import type { Parcel } from "./world.ts";

/** The second credentials of the sources with passwords. */
export const SECOND_PASSWORD = "next:second-secret-of-this-source";

/** Sources that accept only signatures by their keys. */
const SIGNING_ONLY: ReadonlySet<string> = new Set(["lettermint", "unisender"]);

/** Whether the source also accepts a password; the credentials of sources that only sign are not rotated here. */
export function rotates({ dialect }: Parcel): boolean {
  return !SIGNING_ONLY.has(dialect.source);
}

/** The vars and secrets at this point of the history: by the rotation, and by whether the sources are corrected yet. */
export function configurationOf({
  world,
  rotation,
  mended,
  apiToken,
}: Pick<Simulation, "world" | "rotation" | "mended" | "apiToken">): Record<string, unknown> {
  const { parcels, kept, mistaken } = world;
  const credentials: Record<string, unknown> = {};
  const sources: Record<string, unknown> = {};
  for (const parcel of parcels) {
    const { source, credentials: own, settings } = parcel.dialect;
    const first = [own ?? []].flat();
    const second = rotates(parcel) ? [SECOND_PASSWORD] : first;
    credentials[source] = [first, [...first, SECOND_PASSWORD], second][rotation];
    if (!rotates(parcel)) credentials[source] = first;
    if (settings !== undefined) sources[source] = settings;
  }
  if (world.pipes.some(({ returns }) => returns !== undefined)) {
    credentials[LOOP] = LOOP_TOKEN;
    sources[LOOP] = { provider: "generic" };
  }
  if (!mended)
    sources[MISTAKEN] = {
      parameters: Object.fromEntries((mistaken?.fields ?? []).map((field) => [field, "none"])),
    };
  return {
    SOURCE_CREDENTIALS: JSON.stringify(credentials),
    SOURCES: sources,
    RETENTION: kept === null ? {} : { events_days: kept.events_days, archive_days: kept.archive_days },
    API_TOKENS: JSON.stringify({ simulation: apiToken }),
  };
}
