// What the counters must be, by counting the rows.

import { env } from "cloudflare:workers";
import { readStats } from "../../src/store/stats/stats.ts";
import type { EventRow } from "./witness.ts";

const DAY = 86_400_000;

/**
 * The counters equal a count of the rows up to the position of counting, except for removed rows that the counters have
 * noted.
 */
export async function checkCounters(all: readonly EventRow[]): Promise<string[]> {
  const position = (await env.DB.prepare("SELECT position FROM counting").first<number>("position")) ?? 0;
  const events = all.filter(({ seq }) => seq <= position);
  // First opens and clicks can only be checked while all rows of a campaign exist.
  const { results: bereft } = await env.DB.prepare(
    "SELECT DISTINCT campaign, type FROM campaign_rollups WHERE gone > 0",
  ).all<{ campaign: string; type: string }>();
  const unprovable = new Set(bereft.map(({ campaign, type }) => `${campaign} ${type}`));
  const recounted = new Map<string, number>();
  const count = (...key: unknown[]): void => {
    const text = JSON.stringify(key);
    recounted.set(text, (recounted.get(text) ?? 0) + 1);
  };
  const firsts = new Set<string>();
  for (const { at, contact, source, type, campaign, details } of events.toSorted(
    (a, b) => a.at - b.at || (a.id < b.id ? -1 : 1),
  )) {
    const { tags = [], machine = null }: { tags?: string[]; machine?: boolean | null } = JSON.parse(
      details ?? "{}",
    );
    const looked = type === "opened" || type === "clicked";
    const who = !looked || machine === null ? "" : machine ? "machine" : "human";
    const day = at - (at % DAY);
    const how = [source, type, bounceOf(details) ?? "", who];
    count("time", at - (at % 300_000), ...how, destinationOf(contact));
    count("day", day, ...how, destinationOf(contact));
    count("campaign", day, campaign ?? "", ...how);
    for (const tag of new Set(tags)) count("tag", day, tag, ...how);
    count("source", source);
    if (!looked || campaign === null || unprovable.has(`${campaign} ${type}`)) continue;
    for (const kind of who === "machine" ? ["unique"] : ["unique", "unique human"]) {
      const key = JSON.stringify([kind, contact, campaign, type]);
      if (!firsts.has(key)) count(kind, day, campaign, ...how);
      firsts.add(key);
    }
  }
  const how = "source, type, bounce, machine";
  const tables = await env.DB.batch<Record<string, unknown>>(
    [
      `SELECT 'time', bucket, ${how}, destination, n - gone FROM rollups`,
      `SELECT 'day', day, ${how}, destination, n - gone FROM day_rollups`,
      `SELECT 'campaign', day, campaign, ${how}, n - gone FROM campaign_rollups`,
      `SELECT 'tag', day, tag, ${how}, n - gone FROM tag_rollups`,
      `SELECT 'unique', day, campaign, ${how}, uniques FROM campaign_rollups AS c WHERE uniques <> 0 AND ${PROVABLE}`,
      `SELECT 'unique human', day, campaign, ${how}, unique_humans FROM campaign_rollups AS c WHERE unique_humans <> 0 AND ${PROVABLE}`,
      `SELECT 'source', source, events - coalesce((SELECT sum(gone) FROM day_rollups AS d WHERE d.source = s.source), 0)
       FROM sources AS s WHERE events > 0`,
    ].map((sql) => env.DB.prepare(sql)),
  );
  const wrong: string[] = [];
  for (const row of tables.flatMap(({ results }) => results)) {
    const values = Object.values(row);
    const key = JSON.stringify(values.slice(0, -1));
    const wanted = recounted.get(key) ?? 0;
    if (wanted !== values.at(-1)) wrong.push(`counted ${String(values.at(-1))}, not ${wanted}: ${key}`);
    recounted.delete(key);
  }
  for (const [key, n] of recounted) wrong.push(`not counted ${n}: ${key}`);
  return wrong;
}

/** What is told by day and campaign equals a count of all rows, as long as no row was removed. */
export async function checkTold(events: readonly EventRow[]): Promise<string[]> {
  const gone = await env.DB.prepare("SELECT 1 AS n FROM campaign_rollups WHERE gone <> 0 LIMIT 1").first();
  if (gone !== null || events.length === 0) return [];
  const times = events.map(({ at }) => at);
  const range = { from: dayOf(Math.min(...times)), to: dayOf(Math.max(...times)) + DAY };
  const asked = { ...range, bucket: "day", by: "campaign", limit: 100_000 } as const;
  const { groups } = await readStats(env.DB, asked);
  const told = groups.map(({ slot, group, counts }) => [
    slot,
    group,
    counts.events,
    counts.opened,
    counts.clicked,
    counts.unique?.opened,
    counts.unique?.clicked,
  ]);
  const wanted = new Map<string, [number, string, ...number[]]>();
  const firsts = new Set<string>();
  for (const { at, contact, type, campaign } of events.toSorted(
    (a, b) => a.at - b.at || (a.id < b.id ? -1 : 1),
  )) {
    const key = JSON.stringify([dayOf(at), campaign]);
    const [day, name, n = 0, opened = 0, clicked = 0, openers = 0, clickers = 0] = wanted.get(key) ?? [
      dayOf(at),
      campaign ?? "",
    ];
    const person = JSON.stringify([type, campaign, contact]);
    const first = campaign !== null && !firsts.has(person) ? 1 : 0;
    firsts.add(person);
    const [opens, clicks] = [type === "opened" ? 1 : 0, type === "clicked" ? 1 : 0];
    const counts = [
      n + 1,
      opened + opens,
      clicked + clicks,
      openers + first * opens,
      clickers + first * clicks,
    ];
    wanted.set(key, [day, name, ...counts]);
  }
  const [is, should] = [told, [...wanted.values()]].map((list) =>
    list.map((row) => JSON.stringify(row)).toSorted(),
  );
  const differs = is?.filter((row) => should?.includes(row) !== true) ?? [];
  if (differs.length === 0 && is?.length === should?.length) return [];
  return [`statistics tell ${is?.join(" ")} and should tell ${should?.join(" ")}`];
}

const dayOf = (at: number): number => at - (at % DAY);

const PROVABLE = `NOT EXISTS (
  SELECT 1 FROM campaign_rollups AS g WHERE g.campaign = c.campaign AND g.type = c.type AND g.gone > 0)`;

/** The class of the bounce in an event's stored details, or null. */
export function bounceOf(details: string | null): string | null {
  const told: { bounce?: string } = JSON.parse(details ?? "{}");
  return told.bounce ?? null;
}

/** The three domains of the simulation. */
export function destinationOf(contact: string): string {
  if (contact.endsWith("@gmail.com")) return "gmail";
  return contact.endsWith("@outlook.com") ? "microsoft" : "other";
}
