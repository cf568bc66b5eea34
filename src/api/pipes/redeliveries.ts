// /v1/redeliveries: passing events on again.

import * as z from "zod";
import { redeliver } from "../../pipes/redeliver.ts";
import { instant } from "../kit/parameters.ts";
import { json, needs, problems } from "../kit/responses.ts";
import { createRoute, router } from "../kit/routes.ts";
import { pipeIdOf } from "./named.ts";
import { valueOf } from "./problems.ts";
import { filterText } from "./schemas.ts";

/** Mounted at /v1/redeliveries. */
export const redeliveries = router();

/** Event ids that one request takes. */
const MOST_EVENTS = 1_000;

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
      .describe("These events, whatever the pipe's filter says"),
    from: instant.optional().describe("Or the events received since then"),
    to: instant.optional().describe("until then; until now if it is left out"),
    filter: filterText.optional().describe("Of these, only those that this filter and the pipe's own pass"),
    dry_run: z.boolean("must be true or false").default(true).describe("Only count the events"),
  })
  .refine((asked) => (asked.events === undefined) !== (asked.from === undefined), {
    path: ["events"],
    message: "pass events, or from",
  })
  .refine((asked) => asked.events === undefined || (asked.to ?? asked.filter) === undefined, {
    path: ["events"],
    message: "stand alone, without to and filter",
  });

const RedeliveryResult = z.object({
  id: z.string().nullable().describe("null after a dry run"),
  pipes: z.array(
    z.object({
      pipe: z.string(),
      count: z.int(),
      complete: z.boolean().describe("false if only the first 100,000 events were looked through"),
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
    "A dry run (the default) counts the events. A pipe takes 20 redeliveries at once. Receivers can tell: the event's id is the same, the attempt's id is new.",
  request: { body: { required: true, content: { "application/json": { schema: RedeliveryRequest } } } },
  responses: { 200: json("How many events each pipe gets", RedeliveryResult), ...problems(400, 404, 409) },
});

redeliveries.openapi(redelivering, async (c) => {
  const { pipes, events, from = 0, to = null, filter = null, dry_run: dryRun } = c.req.valid("json");
  const scope = events === undefined ? { from, to, filter } : { events };
  const ids = await Promise.all(pipes.map(async (one) => await pipeIdOf(c.var.db, one)));
  return c.json(valueOf(await redeliver(c.env, ids, scope, { dryRun })), 200);
});
