// The parameters of /v1/stats. A query that the counters cannot answer exactly is refused, and the answer names the
// parameter: nothing is estimated.

import * as z from "zod";
import { EVENT_TYPES } from "../../model/event.ts";
import { BUCKETS, GROUPINGS, METRICS, MOST_RANGE, alignToBuckets } from "../../model/stats/counts.ts";
import type { GroupCursor } from "../../store/stats/stats.ts";
import { decodeCursor, encodeCursor } from "../kit/cursor.ts";
import { bom, instant, limit, word } from "../kit/parameters.ts";
import { DAY } from "../../lib/time.ts";

const DEFAULT_DAYS = 30;

const query = z.strictObject({
  from: instant.optional().meta({ description: `Default: ${DEFAULT_DAYS} days before \`to\`` }),
  to: instant.optional().meta({ description: "Not included. Default: now" }),
  bucket: z
    .enum(BUCKETS, `must be one of ${BUCKETS.join(", ")}`)
    .default("none")
    .meta({
      description: "UTC, weeks from Monday. Ranges: 7 days by 5m, 31 by hour, 1,100 by all others",
    }),
  by: z
    .enum(GROUPINGS, `must be one of ${GROUPINGS.join(", ")}`)
    .default("none")
    .meta({ description: "Campaigns and tags are counted by day, and not by destination" }),
  source: word.optional(),
  destination: word.optional().meta({ description: "Mailbox provider: gmail, microsoft, ..., other" }),
  campaign: word.optional(),
  type: z.enum(EVENT_TYPES, `must be one of ${EVENT_TYPES.join(", ")}`).optional(),
  tag: word.optional(),
  after: z.string().max(2_000, "is not a cursor; pass what `next` held").optional(),
  limit,
  bom,
});
type Query = z.output<typeof query>;

/** The query with its range widened to whole buckets. A cursor contains the range, so that pages fit together. */
export const StatsParameters = query.transform((asked, context) => {
  const wrong = (parameter: string, message: string): void =>
    context.addIssue({ code: "custom", path: [parameter], message });
  const { by, bucket, campaign, tag } = asked;
  const daily = by === "campaign" || by === "tag" || campaign !== undefined || tag !== undefined;
  const place = asked.after === undefined ? null : placeOf(asked.after);
  const to = asked.to ?? Date.now();
  const wanted = place ?? { from: asked.from ?? to - DEFAULT_DAYS * DAY, to };
  const range = alignToBuckets(wanted, bucket, daily);
  if (place === undefined || (place !== null && (range.from !== place.from || range.to !== place.to)))
    wrong("after", "is not a cursor; pass what `next` held, and the other parameters as before");
  if (range.from >= range.to) wrong("from", "must be before `to`");
  if (range.to - range.from > MOST_RANGE[bucket])
    wrong("from", `by ${bucket}, at most ${MOST_RANGE[bucket] / DAY} days can be asked at once`);
  for (const [parameter, message] of refusals(asked, daily)) wrong(parameter, message);
  return { ...asked, ...range, after: place?.after };
});

/** The parameters that cannot be combined with the others, and why. */
function* refusals(asked: Query, daily: boolean): Generator<[parameter: string, message: string]> {
  const { by, campaign, tag, destination, bucket } = asked;
  const labels = by === "tag" || tag !== undefined ? "tags" : "campaigns";
  if (daily && (bucket === "5m" || bucket === "hour")) yield ["bucket", `${labels} are counted by day`];
  if (daily && destination !== undefined) yield ["destination", `${labels} are not counted by destination`];
  if (daily && by === "destination") yield ["by", `${labels} are not counted by destination`];
  const aboutCampaigns = by === "campaign" || campaign !== undefined;
  if (labels === "tags" && aboutCampaigns)
    yield [tag !== undefined ? "tag" : "campaign", "campaigns are not counted by tag"];
}

/** A cursor: the range (ms) and the last group of the page. */
export function cursorOf(range: { from: number; to: number }, [slot, group]: GroupCursor): string {
  return encodeCursor([range.from, range.to, slot, group]);
}

const Cursor = z.tuple([z.int(), z.int(), z.int(), z.string()]);

/** Reads a cursor; undefined if the text is no cursor. */
export function placeOf(cursor: string): { from: number; to: number; after: GroupCursor } | undefined {
  const place = decodeCursor(Cursor, cursor);
  if (place === null) return undefined;
  const [from, to, slot, group] = place;
  return { from, to, after: [slot, group] };
}

/** The parameters of /v1/stats/compare. The range is widened to whole days, because campaigns are counted by day. */
export const CompareParameters = z
  .strictObject({
    a: word.meta({ description: "A campaign" }),
    b: word.meta({ description: "Another one" }),
    metric: z.enum(METRICS, `must be one of ${METRICS.join(", ")}`),
    human: z
      .enum(["true", "false"], 'must be "true" or "false"')
      .default("false")
      .transform((text) => text === "true")
      .meta({ description: "Leave out opens and clicks that the provider ascribes to a machine" }),
    from: instant.optional().meta({ description: "Default: the beginning" }),
    to: instant.optional().meta({ description: "Not included. Default: no end" }),
  })
  .transform(({ from, to, ...asked }, context) => {
    const range = alignToBuckets({ from: from ?? 0, to: to ?? END_OF_TIME }, "none", true);
    if (range.from >= range.to)
      context.addIssue({ code: "custom", path: ["from"], message: "must be before `to`" });
    if (asked.a === asked.b)
      context.addIssue({ code: "custom", path: ["b"], message: "must be another campaign" });
    return { ...asked, ...range };
  });

const END_OF_TIME = Date.UTC(10_000, 0) - DAY;
