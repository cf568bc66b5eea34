// Sources that refuse everything, and those that have gone quiet. Refused requests are stored nowhere, so only a closed
// source is known to refuse everything. A source that gets wrong credentials shows as quiet, once it has a habit.

import type { Config, Source } from "../../config/config.ts";
import { DAY, HOUR } from "../../lib/time.ts";
import { LEAST_PATIENCE, patienceOf } from "../../model/stats/habit.ts";
import type { SourceRecord } from "../../store/events/sources.ts";
import { readStatsAcross } from "../../store/across/stats.ts";
import type { Shards } from "../../store/shards.ts";
import type { GroupCursor } from "../../store/stats/counted.ts";
import { iso } from "../views.ts";
import type { Finding } from "./finding.ts";

/** For how long a provider's own source is missed after its credentials were taken away, ms. */
const MISSED_FOR = 7 * DAY;
/** After so long a silence a source was given up on purpose, ms. */
const GIVEN_UP = 60 * DAY;
/** How far before a source's last request its habit is looked for, ms. */
const HABIT = 29 * DAY;
const MOST_DAYS = 10_000;

type Seen = Pick<SourceRecord, "source" | "last_received_at">;

/** Sources that are closed although somebody expects them to be open. `now`: ms. */
export function checkClosed({ sources }: Config, seen: readonly Seen[], now: number): Finding[] {
  const last = new Map(seen.map((one) => [one.source, one.last_received_at]));
  return [...sources.values()].filter(isClosed).flatMap((source): Finding[] => {
    const received = last.get(source.name);
    const isMissed = received !== undefined && received > now - MISSED_FOR;
    if (!isConfigured(source) && !isMissed) return [];
    const accepted =
      received === undefined ? "It never accepted one." : `It accepted the last one at ${iso(received)}.`;
    return [
      {
        about: "source",
        name: source.name,
        finding: `The source ${source.name} has no usable credential, so it refuses every request. ${accepted}`,
        advice: `Give it a credential in the secret SOURCE_CREDENTIALS, or delete the table [vars.SOURCES.${source.name}] if nobody posts there.`,
        since: received ?? null,
      },
    ];
  });
}

/** One whose provider does not exist is a mistake of the configuration, and named there. */
const isClosed = ({ provider, credentials }: Source): boolean =>
  provider !== null && credentials.length === 0;
const isConfigured = ({ settings }: Source): boolean => Object.keys(settings).length > 0;

/**
 * Open sources that have been silent for longer than their habit explains. Reads counters only if a source has been
 * silent for a day and a half. `now`: ms.
 */
export async function checkQuiet(
  shards: Shards,
  { sources }: Config,
  seen: readonly Seen[],
  now: number,
): Promise<Finding[]> {
  const silent = seen.filter(({ source, last_received_at: at }) => {
    const configured = sources.get(source);
    const isOpen = configured !== undefined && configured.credentials.length > 0;
    return isOpen && now - at > LEAST_PATIENCE && now - at < GIVEN_UP;
  });
  if (silent.length === 0) return [];
  const days = await activeDays(shards, silent, now);
  return silent.flatMap(({ source, last_received_at: at }): Finding[] => {
    const patience = patienceOf(days.get(source) ?? []);
    if (patience === null || now - at <= patience) return [];
    return [
      {
        about: "source",
        name: source,
        finding: `The source ${source} has been silent for ${hours(now - at)} hours. By the habit of its last weeks, ${hours(patience)} are usual.`,
        advice:
          "See at the provider whether the webhook is still on and what it was answered; a 401 means that the credential differs. " +
          "If nothing was mailed, nothing is wrong.",
        since: at,
      },
    ];
  });
}

const hours = (ms: number): number => Math.floor(ms / HOUR);

/** The days on which each of these sources had events, ms. */
async function activeDays(
  shards: Shards,
  silent: readonly Seen[],
  now: number,
): Promise<Map<string, number[]>> {
  const from = Math.min(...silent.map(({ last_received_at: at }) => at)) - HABIT;
  const query = {
    from: Math.floor(from / DAY) * DAY,
    to: Math.ceil(now / DAY) * DAY,
    bucket: "day",
    by: "source",
    source: silent.map(({ source }) => source),
  } as const;
  const days = new Map<string, number[]>();
  let after: GroupCursor | null | undefined;
  for (let left = MOST_DAYS; left > 0 && after !== null;) {
    const { groups, next } = await readStatsAcross(shards, { ...query, after, limit: left });
    for (const { group, slot } of groups) days.set(group, [...(days.get(group) ?? []), slot]);
    left -= groups.length;
    after = next;
  }
  return days;
}
