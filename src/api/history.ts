// /v1/history: stored deliveries read anew after a parser was mended, first to see what would come of it, then for good.

import * as z from "zod";
import { configOf } from "../config/config.ts";
import type { Difference } from "../history/differences.ts";
import { MOST_SAMPLES, renormalise } from "../history/run.ts";
import type { EventRow } from "../store/write/rows.ts";
import { json, needs, problems } from "./kit/responses.ts";
import { instant, word } from "./kit/parameters.ts";
import { ProblemError } from "./kit/problem.ts";
import { createRoute, router } from "./kit/routes.ts";
import { eventType, time } from "./schemas.ts";
import { iso } from "./views.ts";

const DAY = 86_400_000;
const MOST_DAYS = 366;

const Told = z.object({
  contact: z.string(),
  type: eventType,
  bounce: z.enum(["hard", "soft"]).nullable(),
  occurred_at: time,
  message_id: z.string().nullable(),
  campaign: z.string().nullable(),
  details: z.record(z.string(), z.unknown()).describe("The event's other fields, as far as they are told"),
});

const Renormalised = z
  .object({
    applied: z.boolean(),
    objects: z.int().describe("Archive objects that this step looked at"),
    deliveries: z.int(),
    events: z.int().describe("Events that are read from them now"),
    rejects: z.int().describe("Elements that cannot be read, now"),
    changed: z.int(),
    appeared: z.int(),
    vanished: z.int(),
    samples: z
      .array(
        z.object({
          kind: z.enum(["changed", "appeared", "vanished"]),
          id: z.string().describe("A changed event keeps its id"),
          before: Told.nullable(),
          after: Told.nullable(),
        }),
      )
      .describe(`The first ${MOST_SAMPLES} differences`),
    next: z.string().nullable().describe("Pass it as `after` for the next step; null at the end"),
  })
  .meta({ id: "Renormalised" });

const Request = z.strictObject({
  from: instant.meta({ description: "Deliveries archived at or after this time" }),
  to: instant.meta({ description: "... and before this one; at most a year later" }),
  source: word.optional(),
  apply: z.boolean("must be true or false").default(false).describe("false: only say what would change"),
  after: z
    .string()
    .regex(/^[0-9a-hjkmnp-tv-z]{26}$/, "is not a cursor; pass what `next` held")
    .optional(),
  limit: z
    .int("must be a whole number from 1 to 200")
    .min(1, "must be a whole number from 1 to 200")
    .max(200, "must be a whole number from 1 to 200")
    .default(50)
    .describe("Archive objects a step; it ends earlier after twenty seconds"),
});

export const history = router();

const renormalising = createRoute({
  ...needs("admin"),
  method: "post",
  path: "/renormalise",
  tags: ["History"],
  summary: "Read stored deliveries anew after a parser was mended",
  description:
    "Without `apply` it says which events would change, appear or vanish. Applying keeps the ids of changed events, " +
    "adjusts all counters and suppressions, and may be repeated. Repeats of a report that were delivered far apart " +
    "may be counted twice as appearing; applying stores them once. Events that were ended because they were old enough do " +
    "not appear again.",
  request: { body: { required: true, content: { "application/json": { schema: Request } } } },
  responses: { 200: json("What this step came to", Renormalised), ...problems(400) },
});

history.openapi(renormalising, async (c) => {
  const { from, to, source, apply, after, limit } = c.req.valid("json");
  if (to <= from) throw new ProblemError(400, "to: must be later than from");
  if (to - from > MOST_DAYS * DAY) throw new ProblemError(400, "to: must be at most a year after from");
  const step = await renormalise(c.env, configOf(c.env), {
    from,
    to,
    source,
    after: after ?? null,
    limit,
    apply,
  });
  return c.json({ applied: apply, ...step, samples: step.samples.map(sampleOf) }, 200);
});

function sampleOf({ kind, before, after }: Difference) {
  const id = before?.id ?? after?.row.id ?? "";
  return { kind, id, before: toldOf(before), after: toldOf(after?.row ?? null) };
}

function toldOf(row: EventRow | null): z.output<typeof Told> | null {
  if (row === null) return null;
  const { contact, type, bounce, at, message_id, campaign, details } = row;
  const told = details === null ? {} : (JSON.parse(details) as Record<string, unknown>);
  return {
    contact,
    type,
    bounce,
    occurred_at: iso(at),
    message_id,
    campaign,
    details: told,
  };
}
