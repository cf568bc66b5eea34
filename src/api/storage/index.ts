// /v1/storage: how full the database is, when it will be full, and how retention would change that.

import * as z from "zod";
import { configOf } from "../../config/config.ts";
import { reportOf, type StorageReport } from "../../model/storage/report.ts";
import { freeWithin, hasRoom, levelOf, THRESHOLDS, type Fill } from "../../model/storage/level.ts";
import { bindingOf } from "../../model/storage/shards.ts";
import { sumOfFills, sumOfRates } from "../../model/storage/sum.ts";
import { forEach } from "../../store/shards/each.ts";
import { shardsOf } from "../../store/shards.ts";
import { lookAtFill } from "../../store/storage/fill.ts";
import { readRate } from "../../store/storage/rate.ts";
import { json, needs, problems } from "../kit/responses.ts";
import { createRoute, router } from "../kit/routes.ts";

const events_days = z.int().nullable().describe("For how many days events are kept; null for ever");
const days_left = z
  .number()
  .nullable()
  .describe("Days until deliveries have to wait, at the present rate; null if that never happens");

const Storage = z
  .object({
    limit_bytes: z
      .number()
      .describe("The largest size of the database: D1's, or `limit_gb` of `[vars.STORAGE]`"),
    size_bytes: z.int().describe("The size of the database, as D1 tells it"),
    free_bytes: z
      .int()
      .nullable()
      .describe("What deleted events left free within that size, worked out; null if it is not known yet"),
    used_bytes: z.int().describe("`size_bytes` without `free_bytes`"),
    used_percent: z.number().describe("`used_bytes` of `limit_bytes`"),
    threshold: z
      .literal([...THRESHOLDS])
      .nullable()
      .describe("The highest threshold that is passed, in percent; null below 70"),
    storing: z
      .enum(["on", "waiting"])
      .describe("`waiting`: deliveries wait in the queue until there is room. None is lost"),
    events: z.int().describe("How many events are stored"),
    bytes_per_event: z
      .int()
      .nullable()
      .describe("What an event takes here with its indexes and counters; null below a thousand events"),
    events_per_day: z
      .number()
      .nullable()
      .describe(
        "The mean of the last full days (UTC); null if none is over yet since the oldest stored event",
      ),
    measured_days: z.int().describe("Of how many full days that is the mean: at most 7"),
    events_days,
    days_left: days_left.describe(
      "Days until deliveries have to wait, at the present rate; null if that never happens, or the rate is not known",
    ),
    levels_off_at_percent: z
      .number()
      .nullable()
      .describe(
        "Where retention holds the level at the present rate; null if it grows without end, or the rate is not known",
      ),
    retentions: z
      .array(
        z.object({
          events_days,
          gigabytes: z.number().nullable().describe("The size at which the database would level off"),
          days_left,
        }),
      )
      .describe("What other settings of retention would change; empty if the rate is not known"),
    findings: z.array(z.string()).describe("The same in sentences, and what to do"),
    databases: z
      .array(
        z.object({
          name: z
            .string()
            .describe("The name of its binding")
            .meta({ examples: ["DB_1"] }),
          size_bytes: z.int(),
          free_bytes: z.int().nullable(),
          used_percent: z.number().describe("Of `limit_gb`, which holds for each database"),
          threshold: z.literal([...THRESHOLDS]).nullable(),
          storing: z.enum(["on", "waiting"]),
          events: z.int(),
        }),
      )
      .optional()
      .describe(
        "With several databases, each of them. The other fields then tell of all together; `threshold` is the highest of " +
          "any, and `storing` is `waiting` if events of any wait",
      ),
  })
  .meta({ id: "Storage" });

/** The route of /v1/storage. */
export const storage = router();

const reading = createRoute({
  ...needs("read"),
  method: "get",
  path: "/",
  tags: ["Storage"],
  summary: "How full the database is, and until when there is room",
  description:
    "A database has a largest size. At 70, 85 and 95 % of it the log says so, once a day. From 95 % on deliveries wait in " +
    "the queue, so that there is room for erasures and for people's changes; they are stored by themselves once there is " +
    "room again. With several databases each takes only its own contacts' events, and only those wait.",
  responses: { 200: json("The state of the storage", Storage), ...problems() },
});

storage.openapi(reading, async (c) => {
  const { storage: settings, retention } = configOf(c.env);
  const now = Date.now();
  // The primaries' sizes and not the replicas', because they grow at different times.
  const { all } = shardsOf(c.env);
  const looks = await forEach(all, async ({ index, db }) => {
    const [fill, rate] = await Promise.all([lookAtFill(db, settings.limit), readRate(db, now)]);
    return { name: bindingOf(index), fill, rate };
  });
  const fill = sumOfFills(looks.map((look) => look.fill));
  const rate = sumOfRates(looks.map((look) => look.rate));
  const report = reportOf(fill, rate, retention.eventsDays, now);
  return c.json(all.length === 1 ? viewOf(report) : viewOfAll(report, looks), 200);
});

/** The storage of several databases. */
function viewOfAll(
  report: StorageReport,
  looks: readonly { name: string; fill: Fill }[],
): z.output<typeof Storage> {
  const each = looks.map(({ name, fill }) => ({ name, fill, ...levelOf(fill), stores: hasRoom(fill) }));
  const passed = each.flatMap(({ threshold }) => threshold ?? []).toSorted((a, b) => b - a);
  const stores = each.every((one) => one.stores);
  return {
    ...viewOf({ ...report, threshold: passed[0] ?? null, stores }),
    findings: [...report.findings, ...each.flatMap(levelInWords)],
    databases: each.map(({ name, fill, percent, threshold, ...one }) => {
      const free = freeWithin(fill);
      return {
        name,
        size_bytes: fill.size,
        free_bytes: free === null ? null : Math.round(free),
        used_percent: rounded(percent),
        threshold,
        storing: one.stores ? "on" : "waiting",
        events: fill.events,
      };
    }),
  };
}

/** What to say of one of several databases; nothing below all thresholds. */
function levelInWords({
  name,
  threshold,
  stores,
}: {
  name: string;
  threshold: number | null;
  stores: boolean;
}): string[] {
  if (threshold === null) return [];
  const waits = stores ? "" : " Events of its contacts wait in the queue, and none is lost.";
  return [`The database ${name} is more than ${threshold} % full.${waits}`];
}

function viewOf(report: StorageReport): z.output<typeof Storage> {
  const { limit, size, used, free, percent, threshold, stores, events, rate, keepDays, forecast } = report;
  return {
    limit_bytes: limit,
    size_bytes: size,
    free_bytes: free === null ? null : Math.round(free),
    used_bytes: Math.round(used),
    used_percent: rounded(percent),
    threshold,
    storing: stores ? "on" : "waiting",
    events,
    bytes_per_event: report.bytesAnEvent === null ? null : Math.round(report.bytesAnEvent),
    events_per_day: rate === null ? null : rounded(rate.perDay),
    measured_days: rate?.days ?? 0,
    events_days: keepDays,
    days_left: roundedOrNull(forecast?.daysLeft ?? null),
    levels_off_at_percent: roundedOrNull(percentOf(forecast?.settlesAt ?? null, limit)),
    retentions: report.retentions.map(({ keepDays: days, settlesAt, daysLeft }) => ({
      events_days: days,
      gigabytes: settlesAt === null ? null : Number((settlesAt / 1e9).toFixed(3)),
      days_left: roundedOrNull(daysLeft),
    })),
    findings: report.findings,
  };
}

const rounded = (n: number): number => Number(n.toFixed(1));
const roundedOrNull = (n: number | null): number | null => (n === null ? null : rounded(n));
const percentOf = (bytes: number | null, limit: number): number | null =>
  bytes === null ? null : (100 * bytes) / limit;
