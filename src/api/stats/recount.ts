// POST /v1/stats/recount: counts the stored rows again, to prove that the counters agree with them, or to correct them.

import * as z from "zod";
import { alignToBuckets } from "../../model/stats/counts.ts";
import { RECOUNT_ID, runRecount, type NoRecount, type RecountState } from "../../store/stats/run-recount.ts";
import { json, needs, problems } from "../kit/responses.ts";
import { instant } from "../kit/parameters.ts";
import { ProblemError } from "../kit/problem.ts";
import { createRoute, router } from "../kit/routes.ts";
import { time } from "../schemas.ts";
import { iso } from "../views.ts";
import { shardsOf } from "../../store/shards.ts";
import { DAY } from "../../lib/time.ts";

const MOST_DAYS = 31;

const apply = z
  .boolean("must be true or false")
  .default(false)
  .meta({ description: "Correct the counters that differ, in the same transaction that compares them" });

const Begin = z.strictObject({ from: instant, to: instant, apply });
const GoOn = z.strictObject({
  recount: z.string().regex(RECOUNT_ID, "is not the id of a recount; pass what the answer held"),
  apply,
});
const Asked = z.union([Begin, GoOn], `pass from and to, or recount`).transform((asked, context) => {
  if ("recount" in asked) return asked;
  const range = alignToBuckets(asked, "none", true);
  if (range.from >= range.to)
    context.addIssue({ code: "custom", path: ["from"], message: "must be before `to`" });
  if (range.to - range.from > MOST_DAYS * DAY)
    context.addIssue({ code: "custom", path: ["from"], message: `at most ${MOST_DAYS} days at once` });
  return { ...asked, ...range };
});

const pair = z.object({ is: z.int(), should_be: z.int() });
const Recount = z
  .object({
    recount: z.string().describe("Pass it to continue this recount"),
    status: z.enum(["running", "done"]),
    from: time,
    to: time,
    position: z.int().describe("The last event counted so far, by `seq`"),
    last: z.int().describe("The last stored event, by `seq`"),
    shard: z.int().optional().describe("With several databases: the one that it is about, from 0 on"),
    differences: z
      .array(
        z.object({
          shard: z.int().optional().describe("With several databases: the one whose counter differs"),
          counter: z.enum(["rollups", "day_rollups", "campaign_rollups", "tag_rollups"]),
          start: time,
          label: z.string().describe("Destination, campaign or tag"),
          source: z.string(),
          type: z.string(),
          bounce: z.string(),
          machine: z.string(),
          events: pair,
          uniques: pair.nullable().describe("For campaigns; null for the other counters"),
          unique_humans: pair.nullable().describe("The same without opens and clicks by machines"),
        }),
      )
      .describe(
        "Up to 250 for each counter, once the recount is done. With several databases each answer contains those of the " +
          "databases that it has finished, so collect them",
      ),
    differing: z
      .int()
      .describe("How many counters differ, or did before they were corrected; add up likewise"),
    applied: z.boolean(),
  })
  .meta({ id: "Recount" });

const NO_RECOUNT: Readonly<Record<NoRecount, string>> = {
  unknown: "There is no such recount any more; begin another.",
  disturbed: "Rows of these days were removed meanwhile; begin another recount.",
};

/** The route of /v1/stats/recount. */
export const recount = router();

const counting = createRoute({
  ...needs("admin"),
  method: "post",
  path: "/",
  tags: ["Statistics"],
  summary:
    "Count the stored events of these days again, compare the counters with them, and correct these if `apply` is set",
  description:
    "Walks the whole feed, because unique opens depend on all of it, 100,000 events a request. While `status` is " +
    "`running`, post the `recount` of the answer. The range is widened to whole days (UTC), at most 31. A new recount " +
    "ends the one before. Events may arrive meanwhile. Events whose rows were deleted since they were counted still count; " +
    "the unique opens and clicks of their campaigns can no longer be proved, and stay as they are.",
  request: { body: { required: true, content: { "application/json": { schema: Asked } } } },
  responses: { 200: json("How far the recount has come, or its result", Recount), ...problems(400, 409) },
});

recount.openapi(counting, async (c) => {
  const { apply, ...asked } = c.req.valid("json");
  const what = "recount" in asked ? { id: asked.recount } : asked;
  const shards = shardsOf(c.env);
  const ran = await runRecount(shards, { ...what, apply });
  if (!ran.ok) throw new ProblemError(409, NO_RECOUNT[ran.reason]);
  const { id, isDone, shard, progress, compared, differences, total } = ran.value;
  const { from, to, position, last } = progress;
  const several = shards.all.length > 1;
  const applied = compared > 0 && apply;
  if (compared > 0) console.log({ message: "counters were recounted", differing: total, applied });
  return c.json(
    {
      recount: id,
      status: isDone ? ("done" as const) : ("running" as const),
      from: iso(from),
      to: iso(to),
      position,
      last,
      ...(several ? { shard } : {}),
      differences: differences.map((one) => differenceView(one, several)),
      differing: total,
      applied,
    },
    200,
  );
});

function differenceView(d: RecountState["differences"][number], several: boolean) {
  const { counter, label, source, type, bounce, machine } = d;
  const ofCampaigns = counter === "campaign_rollups";
  return {
    ...(several ? { shard: d.shard } : {}),
    counter,
    start: iso(d.slot),
    label,
    source,
    type,
    bounce,
    machine,
    events: { is: d.was, should_be: d.should },
    uniques: ofCampaigns ? { is: d.uniques, should_be: d.uniques_should } : null,
    unique_humans: ofCampaigns ? { is: d.unique_humans, should_be: d.unique_humans_should } : null,
  };
}
