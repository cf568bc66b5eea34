// /v1/redeliveries: passing events on again.

import * as z from "zod";
import { redeliver } from "../../pipes/redeliver/redeliver.ts";
import { logBegins } from "../../pipes/redeliver/outcomes.ts";
import { OUTCOMES } from "../../store/pipes/delivery-log.ts";
import { listPipes } from "../../store/pipes/pipes.ts";
import { instant } from "../kit/parameters.ts";
import { json, needs, problems } from "../kit/responses.ts";
import { createRoute, router } from "../kit/routes.ts";
import { time } from "../schemas.ts";
import { iso } from "../views.ts";
import { pipeIdOf } from "./named.ts";
import { valueOf } from "./problems.ts";
import { filterText } from "./schemas.ts";

/** Mounted at /v1/redeliveries. */
export const redeliveries = router();

/** Event ids that one request takes. */
const MOST_EVENTS = 1_000;

/** All outcomes but the one of which the log keeps a sample only. */
const FAILURES = OUTCOMES.filter((outcome) => outcome !== "delivered");
const failure = z.enum(FAILURES, `must be one of ${FAILURES.join(", ")}, or a list of them`);
const outcome = z.preprocess(
  (given) => (given === undefined || Array.isArray(given) ? given : [given]),
  z.array(failure).min(1, "must not be empty").optional(),
);

const RedeliveryRequest = z
  .strictObject({
    pipes: z
      .array(z.string(), "must be a list of pipes' ids")
      .min(1, "must not be empty")
      .max(50, "at most 50 pipes")
      .describe("Ids or names of the pipes that get the events"),
    events: z
      .array(z.string(), "must be a list of events' ids")
      .min(1, "must not be empty")
      .max(MOST_EVENTS, `at most ${MOST_EVENTS} events`)
      .optional()
      .describe("These events, whatever the pipe's filter says; system events as well"),
    from: instant
      .optional()
      .describe(
        "Or the events received and the system events reported since then; with `outcome`: attempts since then",
      ),
    to: instant.optional().describe("until then; until now if it is left out"),
    outcome: outcome.meta({
      examples: ["given_up"],
      description:
        "Or the events of attempts that ended so, one outcome or a list, as /v1/attempts has them. `given_up`: what never got " +
        "through. An event that was refused and got through later is sent again as well",
    }),
    filter: filterText.optional().describe("Of these, only those that this filter and the pipe's own pass"),
    dry_run: z.boolean("must be true or false").default(true).describe("Only count the events"),
  })
  .refine(
    ({ events, from, outcome: ended }) =>
      [events, from ?? ended].filter((one) => one !== undefined).length === 1,
    { path: ["events"], message: "pass events, or from, or outcome" },
  )
  .refine((asked) => asked.events === undefined || (asked.to ?? asked.filter) === undefined, {
    path: ["events"],
    message: "stand alone, without to and filter",
  });

const RedeliveryResult = z.object({
  id: z.string().nullable().describe("null after a dry run"),
  attempts_since: time
    .optional()
    .describe("By outcome: since when the log knows these pipes' failed attempts; it is kept for 30 days"),
  pipes: z.array(
    z.object({
      pipe: z.string(),
      count: z.int(),
      complete: z
        .boolean()
        .describe(
          "false if only the first 100,000 events and 10,000 system events were looked through; by outcome 20,000 attempts or 10,000 events",
        ),
      missing: z
        .int()
        .optional()
        .describe("By outcome: how many are not stored any more, because they were erased or are too old"),
    }),
  ),
});

const redelivering = createRoute({
  ...needs("write"),
  method: "post",
  path: "/",
  tags: ["Pipes"],
  summary: "Pass events on again, to the pipes that are named",
  description:
    "A dry run (the default) counts the events. By `outcome` only the events go again that failed so. A pipe takes 20 redeliveries at once. Receivers can tell: the event's id is the same, the attempt's id is new.",
  request: { body: { required: true, content: { "application/json": { schema: RedeliveryRequest } } } },
  responses: { 200: json("How many events each pipe gets", RedeliveryResult), ...problems(400, 404, 409) },
});

redeliveries.openapi(redelivering, async (c) => {
  const asked = c.req.valid("json");
  const { pipes, events, outcome: outcomes, from = 0, to = null, filter = null, dry_run: dryRun } = asked;
  const ids = await Promise.all(pipes.map(async (one) => await pipeIdOf(c.var.db, one)));
  if (outcomes === undefined) {
    const scope = events === undefined ? { from, to, filter } : { events };
    return c.json(valueOf(await redeliver(c.env, ids, scope, { dryRun })), 200);
  }
  const result = valueOf(await redeliver(c.env, ids, { outcomes, from, to, filter }, { dryRun }));
  const records = (await listPipes(c.var.db)).filter(({ id }) => ids.includes(id));
  const since = Math.min(Date.now(), ...records.map((record) => logBegins(record, Date.now())));
  return c.json({ ...result, attempts_since: iso(since) }, 200);
});
