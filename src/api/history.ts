// /v1/history: parses stored deliveries again after a parser was fixed, first to show what would change, then to apply
// it.

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
import { DAY } from "../lib/time.ts";

const MOST_DAYS = 366;

const SampledEvent = z.object({
  contact: z.string(),
  type: eventType,
  bounce: z.enum(["hard", "soft"]).nullable(),
  occurred_at: time,
  message_id: z.string().nullable(),
  campaign: z.string().nullable(),
  details: z
    .record(z.string(), z.unknown())
    .describe("The event's other fields, as far as the provider reports them"),
});

const Renormalised = z
  .object({
    applied: z.boolean(),
    objects: z.int().describe("Archive objects that this step read"),
    deliveries: z.int(),
    events: z.int().describe("Events that the parser finds in them now"),
    rejects: z.int().describe("Elements that the parser cannot read now"),
    changed: z.int(),
    appeared: z.int(),
    vanished: z.int(),
    samples: z
      .array(
        z.object({
          kind: z.enum(["changed", "appeared", "vanished"]),
          id: z.string().describe("A changed event keeps its id"),
          before: SampledEvent.nullable(),
          after: SampledEvent.nullable(),
        }),
      )
      .describe(`The first ${MOST_SAMPLES} differences`),
    next: z.string().nullable().describe("Pass it as `after` for the next step; null at the end"),
  })
  .meta({ id: "Renormalised" });

const Request = z.strictObject({
  from: instant.meta({ description: "Deliveries archived at or after this time" }),
  to: instant.meta({ description: "Deliveries archived before this time; at most a year after `from`" }),
  source: word.optional(),
  apply: z.boolean("must be true or false").default(false).describe("false: only report what would change"),
  after: z
    .string()
    .regex(/^[0-9a-hjkmnp-tv-z]{26}$/, "is not a cursor; pass what `next` held")
    .optional(),
  limit: z
    .int("must be a whole number from 1 to 200")
    .min(1, "must be a whole number from 1 to 200")
    .max(200, "must be a whole number from 1 to 200")
    .default(50)
    .describe("Most archive objects of a step. A step ends earlier after twenty seconds"),
});

/** The routes of /v1/history. */
export const history = router();

const renormalising = createRoute({
  ...needs("admin"),
  method: "post",
  path: "/renormalise",
  tags: ["History"],
  summary: "Parse stored deliveries again after a parser was fixed",
  description:
    "Without `apply` the answer lists which events would change, appear or vanish. With it, changed events keep their " +
    "ids, and all counters and suppressions follow; it may be repeated. If a report was delivered twice, far apart, it " +
    "may count twice as appearing, but is stored once. Events that retention deleted do not appear again. With several " +
    "databases this is not possible yet: 409.",
  request: { body: { required: true, content: { "application/json": { schema: Request } } } },
  responses: { 200: json("The result of this step", Renormalised), ...problems(400, 409) },
});

history.openapi(renormalising, async (c) => {
  const { from, to, source, apply, after, limit } = c.req.valid("json");
  if (c.var.shards.all.length > 1)
    throw new ProblemError(409, "A deployment with several databases cannot read its history anew yet.");
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
  return { kind, id, before: sampledEventOf(before), after: sampledEventOf(after?.row ?? null) };
}

function sampledEventOf(row: EventRow | null): z.output<typeof SampledEvent> | null {
  if (row === null) return null;
  const { contact, type, bounce, reason, at, message_id, campaign, custom_id, tags, details } = row;
  const others = {
    ...(reason === null ? {} : { reason }),
    ...(custom_id === null ? {} : { custom_id }),
    ...(tags === null ? {} : { tags: JSON.parse(tags) as unknown }),
    ...(details === null ? {} : (JSON.parse(details) as Record<string, unknown>)),
  };
  return {
    contact,
    type,
    bounce,
    occurred_at: iso(at),
    message_id,
    campaign,
    details: others,
  };
}
