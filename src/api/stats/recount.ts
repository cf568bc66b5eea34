// POST /v1/stats/recount: the proof that the counters are what counting the rows gives, and the remedy where they are not.

import * as z from "zod";
import { alignToBuckets } from "../../model/stats/counts.ts";
import {
  beginRecount,
  compareRecount,
  stepRecount,
  type CounterDifference,
  type Progress,
} from "../../store/stats/recount.ts";
import { json, needs, problems } from "../kit/responses.ts";
import { instant } from "../kit/parameters.ts";
import { ProblemError } from "../kit/problem.ts";
import { createRoute, router } from "../kit/routes.ts";
import { time } from "../schemas.ts";
import { newId } from "../../lib/time-id.ts";
import { iso } from "../views.ts";

const DAY = 86_400_000;
const MOST_DAYS = 31;
/** Steps that one request takes at most: 100,000 events. */
const MOST_STEPS = 20;

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
  const asked = c.req.valid("json");
  const id = "recount" in asked ? asked.recount : newId(Date.now());
  if (!("recount" in asked)) await beginRecount(c.env.DB, id, asked);
  for (let step = 0; step < MOST_STEPS; step++) {
    const progress = sound(await stepRecount(c.env.DB, id));
    if (progress.position < progress.last) {
      if (step === MOST_STEPS - 1) return c.json(runningShape(id, progress), 200);
      continue;
    }
    const compared = await compareRecount(c.env.DB, id, asked.apply);
    const reached = sound(compared?.progress ?? null);
    if (compared?.differences === undefined || compared.differences === null) continue; // events came in between
    const { differences, total } = compared;
    console.log({ message: "counters were recounted", differing: total, applied: asked.apply });
    return c.json(
      {
        ...runningShape(id, reached),
        status: "done" as const,
        differences: differences.map(differenceShape),
        differing: total,
        applied: asked.apply,
      },
      200,
    );
  }
  return c.json(runningShape(id, sound(await stepRecount(c.env.DB, id))), 200);
});

function sound(progress: Progress | null): Progress {
  if (progress === null) throw new ProblemError(409, "There is no such recount any more; begin another.");
  if (progress.disturbed)
    throw new ProblemError(409, "Rows of these days were removed meanwhile; begin another recount.");
  return progress;
}

function runningShape(id: string, { from, to, position, last }: Progress) {
  const found = { differences: [], differing: 0, applied: false };
  return { recount: id, status: "running" as const, from: iso(from), to: iso(to), position, last, ...found };
}

function differenceShape(d: CounterDifference) {
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
