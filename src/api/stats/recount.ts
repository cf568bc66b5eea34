// POST /v1/stats/recount: the proof that the counters are what counting the rows gives, and the remedy where they are not.

import * as z from "zod";
import { alignToBuckets } from "../../model/stats/counts.ts";
import type { CounterDifference } from "../../store/stats/recount.ts";
import { runRecount, type NoRecount } from "../../store/stats/run-recount.ts";
import { json, needs, problems } from "../kit/responses.ts";
import { instant } from "../kit/parameters.ts";
import { ProblemError } from "../kit/problem.ts";
import { createRoute, router } from "../kit/routes.ts";
import { time } from "../schemas.ts";
import { iso } from "../views.ts";
import { storeOf } from "../../store/db.ts";

const DAY = 86_400_000;
const MOST_DAYS = 31;

const apply = z
  .boolean("must be true or false")
  .default(false)
  .meta({ description: "Put right what differs, in the same transaction that compares" });

const Begin = z.strictObject({ from: instant, to: instant, apply });
const GoOn = z.strictObject({
  recount: z.string().regex(/^[0-9a-z]{26}$/, "is not the id of a recount; pass what the answer held"),
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
    recount: z.string().describe("Pass it to go on"),
    status: z.enum(["running", "done"]),
    from: time,
    to: time,
    position: z.int().describe("The last event that is counted, by `seq`"),
    last: z.int().describe("The last event that there is"),
    differences: z
      .array(
        z.object({
          counter: z.enum(["rollups", "day_rollups", "campaign_rollups", "tag_rollups"]),
          start: time,
          label: z.string().describe("Destination, campaign or tag"),
          source: z.string(),
          type: z.string(),
          bounce: z.string(),
          machine: z.string(),
          events: pair,
          uniques: pair.nullable().describe("Of campaigns"),
          unique_humans: pair.nullable(),
        }),
      )
      .describe("Up to 250 of each counter, once it is done"),
    differing: z.int().describe("How many counters differ, or did before `applied`"),
    applied: z.boolean(),
  })
  .meta({ id: "Recount" });

const NO_RECOUNT: Readonly<Record<NoRecount, string>> = {
  unknown: "There is no such recount any more; begin another.",
  disturbed: "Rows of these days were removed meanwhile; begin another recount.",
};

export const recount = router();

const counting = createRoute({
  ...needs("admin"),
  method: "post",
  path: "/",
  tags: ["Statistics"],
  summary:
    "Count the stored events anew and compare, day by day as told, and put the counters right if asked to",
  description:
    "Walks the whole feed, for unique opens need all of it, 100,000 events a request; while the answer says `running`, " +
    "post its `recount`. Days are UTC, widened to whole ones, at most 31. Beginning another recount ends this one. Events may " +
    "come in meanwhile. Events whose rows were removed since are taken as counted; the unique opens and clicks of their " +
    "campaigns cannot be proved any more and stay.",
  request: { body: { required: true, content: { "application/json": { schema: Asked } } } },
  responses: { 200: json("How far it is, or what it found", Recount), ...problems(400, 409) },
});

recount.openapi(counting, async (c) => {
  const { apply, ...asked } = c.req.valid("json");
  const what = "recount" in asked ? { id: asked.recount } : asked;
  const ran = await runRecount(storeOf(c.env), { ...what, apply });
  if (!ran.ok) throw new ProblemError(409, NO_RECOUNT[ran.reason]);
  const { id, progress, found } = ran.value;
  const { from, to, position, last } = progress;
  const range = { recount: id, from: iso(from), to: iso(to), position, last };
  if (found === null)
    return c.json(
      { ...range, status: "running" as const, differences: [], differing: 0, applied: false },
      200,
    );
  console.log({ message: "counters were recounted", differing: found.total, applied: apply });
  const differences = found.differences.map(differenceView);
  return c.json(
    { ...range, status: "done" as const, differences, differing: found.total, applied: apply },
    200,
  );
});

function differenceView(d: CounterDifference) {
  const { counter, label, source, type, bounce, machine } = d;
  const ofCampaigns = counter === "campaign_rollups";
  return {
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
