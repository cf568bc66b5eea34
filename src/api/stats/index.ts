// /v1/stats: exact counts and rates from the counters, and whether two campaigns differ.

import * as z from "zod";
import { newcombe, COMPARISONS, comparisonOf, wilson } from "../../model/stats/proportion.ts";
import { METRICS, NO_RATES, ratioOf, ratesOf, endOf, RATES } from "../../model/stats/counts.ts";
import { EVENT_TYPES } from "../../model/event.ts";
import { readCampaignAcross, readStatsAcross } from "../../store/across/stats.ts";
import type { StatsQuery } from "../../store/stats/counted.ts";
import type { Group } from "../../store/stats/stats.ts";
import { json, needs, pageOf, problems } from "../kit/responses.ts";
import { answerList, listOf } from "../kit/lists.ts";
import { ProblemError } from "../kit/problem.ts";
import { createRoute, router } from "../kit/routes.ts";
import { time } from "../schemas.ts";
import { CompareParameters, cursorOf, placeOf, StatsParameters } from "./parameters.ts";
import { iso } from "../views.ts";

const tags = ["Statistics"];
const count = z.int();
const rate = z.number().nullable();

const DENOMINATORS: Readonly<Record<(typeof RATES)[number], string>> = {
  delivery_rate: "reached / attempted",
  open_rate: "unique_opened / reached",
  click_rate: "unique_clicked / reached",
  click_to_open_rate: "unique_clicked / unique_opened",
  opens_per_delivered: "opened / reached; every open counts, so it may pass 1",
  clicks_per_delivered: "clicked / reached; every click counts, so it may pass 1",
  bounce_rate: "bounced / attempted",
  hard_bounce_rate: "hard / attempted",
  block_rate: "blocked / attempted",
  complaint_rate: "complained / reached",
  unsubscribe_rate: "unsubscribed / reached",
};

const UNIQUE =
  "Contacts whose first one of a campaign lies in this bucket and group, so that buckets add up, and a contact counts once " +
  "for each campaign; null unless the query " +
  "is about campaigns and all their sources";

const Stats = z
  .object({
    start: time.nullable().describe("Start of the bucket; null for totals"),
    end: time.nullable().describe("End of the bucket, not included; null for totals"),
    group: z
      .string()
      .nullable()
      .describe("The group that `by` asks for; null without `by`, and for events without a campaign"),
    events: count,
    ...(Object.fromEntries(EVENT_TYPES.map((type) => [type, count])) as Record<
      (typeof EVENT_TYPES)[number],
      typeof count
    >),
    hard: count.describe("Hard bounces among `bounced`"),
    soft: count.describe("Soft bounces among `bounced`"),
    opened_human: count.describe("Opens without those that the provider ascribes to a machine"),
    opened_machine: count.describe("Opens that the provider ascribes to a machine; many providers never do"),
    clicked_human: count.describe("The same of clicks"),
    clicked_machine: count.describe("The same of clicks"),
    unique_opened: count.nullable().describe(UNIQUE),
    unique_opened_human: count.nullable().describe("The same without opens by machines"),
    unique_clicked: count.nullable().describe(UNIQUE),
    unique_clicked_human: count.nullable().describe("The same without clicks by machines"),
    attempted: count.describe(
      "delivered + bounced + blocked; for sources that report no delivery in this range, sent (or bounced + blocked, if more)",
    ),
    reached: count.describe(
      "delivered; for sources that report no delivery in this range, sent - bounced - blocked",
    ),
    ...(Object.fromEntries(
      RATES.map((name) => [
        name,
        rate.describe(`${DENOMINATORS[name]}; null if the divisor is 0 or unknown`),
      ]),
    ) as Record<(typeof RATES)[number], typeof rate>),
  })
  .meta({ id: "Stats" });
type Stats = z.output<typeof Stats>;

/** The routes of /v1/stats, except recount. */
export const stats = router();

const listing = createRoute({
  ...needs("read", "parameter"),
  method: "get",
  path: "/",
  tags,
  summary: "Exact counts and rates by time and by source, type, destination, campaign or tag",
  description:
    "Buckets are those of `timezone`, UTC by default; the counters of five minutes, which are kept for ever, make up those of " +
    "other zones. `from` and `to` are widened to whole buckets, for totals to five minutes (to days for campaigns and tags). The answer " +
    "contains the range that it covers. Groups without events are left out. With `by=type` or `type=`, rates are null.",
  request: { query: StatsParameters },
  responses: {
    200: listOf(
      "The groups in order of time and name",
      pageOf("stats", Stats).extend({
        from: time,
        to: time,
        timezone: z
          .string()
          .describe("The zone of the buckets")
          .meta({ examples: ["Europe/Berlin"] }),
      }),
    ),
    ...problems(400),
  },
});

stats.openapi(listing, async (c) => {
  const { limit, ...query } = c.req.valid("query");
  // Where the buckets of a time zone end.
  const ends = new Map(query.edges?.map((start, i, edges) => [start, edges[i + 1] ?? start]));
  const page = async (after: string | undefined, size: number) => {
    const place = after === undefined ? query.after : placeOf(after)?.after;
    const { groups, next } = await readStatsAcross(c.var.shards, { ...query, after: place, limit: size });
    const items = groups.map((group) => statsShape(group, query, ends));
    return { items, next: next === null ? null : cursorOf(query, next) };
  };
  return await answerList(c, { item: Stats, after: undefined, limit, page }, ({ items, next }) =>
    c.json({ stats: items, next, from: iso(query.from), to: iso(query.to), timezone: query.timezone }, 200),
  );
});

function statsShape(
  { slot, group, counts }: Group,
  query: Omit<StatsQuery, "limit">,
  ends: ReadonlyMap<number, number>,
): Stats {
  const { unique, ...numbers } = counts;
  const { bucket, by, type } = query;
  const whole = bucket === "none";
  return {
    start: whole ? null : iso(slot),
    end: whole ? null : iso(ends.get(slot) ?? endOf(bucket, slot)),
    group: group === "" ? null : group,
    ...numbers,
    unique_opened: unique?.opened ?? null,
    unique_opened_human: unique?.opened_human ?? null,
    unique_clicked: unique?.clicked ?? null,
    unique_clicked_human: unique?.clicked_human ?? null,
    ...(by === "type" || type !== undefined ? NO_RATES : ratesOf(counts)),
  };
}

const Side = z.object({
  campaign: z.string(),
  hits: count,
  of: count,
  rate,
  low: rate.describe("Wilson's 95 % interval; null if `hits` are not a share of `of`"),
  high: rate,
});

const comparing = createRoute({
  ...needs("read"),
  method: "get",
  path: "/compare",
  tags,
  summary: "Compare two campaigns, with 95 % confidence",
  description:
    "Opens and clicks count each contact once (open and click: as a share of `reached`, click_to_open: of the contacts that " +
    "opened). Bounces are a share of `attempted`, complaints and unsubscribes of `reached`, as in /v1/stats. If the interval " +
    "of the difference contains 0, the difference may be noise.",
  request: { query: CompareParameters },
  responses: {
    200: json(
      "The comparison",
      z.object({
        metric: z.enum(METRICS),
        a: Side,
        b: Side,
        difference: z
          .object({ value: z.number(), low: z.number(), high: z.number() })
          .nullable()
          .describe("a - b with Newcombe's 95 % interval; null if one of them has no interval"),
        verdict: z.enum(COMPARISONS),
      }),
    ),
    ...problems(400, 404),
  },
});

stats.openapi(comparing, async (c) => {
  const { a, b, metric, human, ...range } = c.req.valid("query");
  const side = async (parameter: string, campaign: string) => {
    const counts = await readCampaignAcross(c.var.shards, campaign, range);
    if (counts === null) throw new ProblemError(404, `${parameter}: nothing was counted of this campaign.`);
    const parts = ratioOf(metric, counts, human);
    return { parts: { campaign, ...parts }, share: wilson(parts.hits, parts.of) };
  };
  const [one, other] = await Promise.all([side("a", a), side("b", b)]);
  const between = one.share === null || other.share === null ? null : newcombe(one.share, other.share);
  const unknown = { rate: null, low: null, high: null };
  const difference =
    between === null ? null : { value: between.difference, low: between.low, high: between.high };
  return c.json(
    {
      metric,
      a: { ...one.parts, ...(one.share ?? unknown) },
      b: { ...other.parts, ...(other.share ?? unknown) },
      difference,
      verdict: between === null ? COMPARISONS[2] : comparisonOf(between),
    },
    200,
  );
});
