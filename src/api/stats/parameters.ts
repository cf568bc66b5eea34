// The parameters of /v1/stats. A query that the counters cannot answer exactly is refused, and the answer names the
// parameter: nothing is estimated.

import * as z from "zod";
import { BUCKETS, GROUPINGS, METRICS, MOST_RANGE, alignToBuckets } from "../../model/stats/counts.ts";
import type { GroupCursor } from "../../store/stats/counted.ts";
import { decodeCursor, encodeCursor } from "../kit/cursor.ts";
import type { WrittenTime } from "../kit/instant.ts";
import { bom, eventFilters, limit, word, writtenTime } from "../kit/parameters.ts";
import { severalNames, severalOf } from "../kit/several.ts";
import { instantOf, isLocal, localEdges, zoneNamed } from "../../model/stats/zone.ts";
import { DAY, HOUR, MINUTE } from "../../lib/time.ts";

const DEFAULT_DAYS = 30;

/** Days of a zone are added up from the counters of five minutes, of which a quarter is some hundred thousand. */
const MOST_LOCAL_DAYS = 93;

const zone = z.string().transform((text, context) => {
  const found = zoneNamed(text.trim().replaceAll(" ", "+"));
  if (found !== null) return found;
  context.addIssue({
    code: "custom",
    message: "must be a time zone by its IANA name, such as Europe/Berlin or UTC",
  });
  return z.NEVER;
});

const query = z.strictObject({
  from: writtenTime.optional().meta({
    description: `Default: ${DEFAULT_DAYS} days before \`to\`. A time without an offset is one of \`timezone\``,
  }),
  to: writtenTime.optional().meta({ description: "Not included. Default: now" }),
  timezone: zone.optional().meta({
    description:
      "The zone of hours, days, weeks and months, exact over changes of the clock: its days may have 23 or 25 hours. " +
      "Default: UTC. Not for campaigns and tags, which are counted by UTC day",
    examples: ["Europe/Berlin"],
  }),
  bucket: z
    .enum(BUCKETS, `must be one of ${BUCKETS.join(", ")}`)
    .default("none")
    .meta({
      description: `Of \`timezone\`, weeks from Monday. Ranges: 7 days by 5m, 31 by hour, 1,100 by all others (by day of another zone than UTC: ${MOST_LOCAL_DAYS})`,
    }),
  by: z
    .enum(GROUPINGS, `must be one of ${GROUPINGS.join(", ")}`)
    .default("none")
    .meta({ description: "Campaigns and tags are counted by day, and not by destination" }),
  ...eventFilters,
  destination: severalOf(word, { description: "Mailbox providers: gmail, microsoft, ..., other." }),
  tag: severalNames(word),
  after: z.string().max(2_000).optional(),
  limit,
  bom,
});
type Query = z.output<typeof query>;

/** The query with its range widened to whole buckets. A cursor contains the range, so that pages fit together. */
export const StatsParameters = query.transform(({ timezone, ...asked }, context) => {
  const wrong = (parameter: string, message: string): void =>
    context.addIssue({ code: "custom", path: [parameter], message });
  const { by, bucket, campaign, tag } = asked;
  const daily = by === "campaign" || by === "tag" || campaign !== undefined || tag !== undefined;
  const place = asked.after === undefined ? null : placeOf(asked.after);
  // A zone without any offset has the buckets of UTC, which are read with less work.
  const other = timezone === undefined || IS_UTC.test(timezone.name) ? null : timezone;
  const at = ({ local, offset }: WrittenTime): number =>
    offset === null && other !== null ? instantOf(other, local) : local - (offset ?? 0) * MINUTE;
  const to = asked.to === undefined ? Date.now() : at(asked.to);
  const wanted = place ?? { from: asked.from === undefined ? to - DEFAULT_DAYS * DAY : at(asked.from), to };
  const most = other !== null && bucket === "day" ? MOST_LOCAL_DAYS * DAY : MOST_RANGE[bucket];
  const isLong = wanted.to - wanted.from > most + 2 * DAY;
  const edges = other !== null && isLocal(bucket) && !isLong ? localEdges(other, bucket, wanted) : undefined;
  const range =
    edges === undefined
      ? alignToBuckets(wanted, bucket, daily)
      : { from: edges[0] ?? wanted.from, to: edges.at(-1) ?? wanted.to };
  if (place === undefined || (place !== null && (range.from !== place.from || range.to !== place.to)))
    wrong("after", "is not a cursor; pass what `next` held, and the other parameters as before");
  if (range.from >= range.to) wrong("from", "must be before `to`");
  // A local day may have 25 hours, so the range may be a little longer than as many days of UTC.
  if (isLong || range.to - range.from > most + (other === null ? 0 : 2 * HOUR))
    wrong("from", `by ${bucket}, at most ${most / DAY} days can be asked at once`);
  if (daily && other !== null) wrong("timezone", "campaigns and tags are counted by UTC day; leave it out");
  if (other === null)
    for (const [parameter, message] of foreignOffsets(asked, daily)) wrong(parameter, message);
  for (const [parameter, message] of refusals(asked, daily)) wrong(parameter, message);
  return { ...asked, ...range, edges, timezone: other?.name ?? "UTC", after: place?.after };
});

const IS_UTC = /^(Etc\/)?(UTC|GMT|UCT|Zulu|Greenwich|Universal)$/;

/** Times with an offset that whole buckets of UTC cannot have meant. */
function* foreignOffsets(
  { from, to, bucket }: Pick<Query, "from" | "to" | "bucket">,
  daily: boolean,
): Generator<[parameter: string, message: string]> {
  for (const [name, written] of Object.entries({ from, to })) {
    const offset = written?.offset ?? 0;
    if (offset === 0 || (bucket === "hour" && offset % 60 === 0)) continue;
    if (daily) yield [name, "has an offset, but campaigns and tags are counted by UTC day; write it in UTC"];
    else if (isLocal(bucket))
      yield [
        name,
        `has an offset, but without \`timezone\` a ${bucket} is one of UTC; pass timezone=Europe/Berlin, say`,
      ];
  }
}

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
    from: writtenTime
      .optional()
      .meta({ description: "Default: the beginning. Campaigns are counted by UTC day" }),
    to: writtenTime.optional().meta({ description: "Not included. Default: no end" }),
  })
  .transform(({ from, to, ...asked }, context) => {
    for (const [parameter, message] of foreignOffsets({ from, to, bucket: "none" }, true))
      context.addIssue({ code: "custom", path: [parameter], message });
    const range = alignToBuckets({ from: from?.local ?? 0, to: to?.local ?? END_OF_TIME }, "none", true);
    if (range.from >= range.to)
      context.addIssue({ code: "custom", path: ["from"], message: "must be before `to`" });
    if (asked.a === asked.b)
      context.addIssue({ code: "custom", path: ["b"], message: "must be another campaign" });
    return { ...asked, ...range };
  });

const END_OF_TIME = Date.UTC(10_000, 0) - DAY;
