// /v1/attempts: the log of deliveries.

import * as z from "zod";
import { listAttempts, OUTCOMES, type AttemptRecord } from "../../store/pipes/delivery-log.ts";
import { limit, queryAddress, word } from "../kit/parameters.ts";
import { several } from "../kit/several.ts";
import { json, needs, pageOf, problems } from "../kit/responses.ts";
import { createRoute, router } from "../kit/routes.ts";
import { time } from "../schemas.ts";
import { iso } from "../views.ts";
import { pipeIdOf } from "./named.ts";

/** Mounted at /v1/attempts. */
export const attempts = router();

const Attempt = z
  .object({
    id: z.string(),
    pipe: z.string(),
    events: z.array(z.string()).describe("Ids of the events that were sent in one request"),
    count: z.int().describe("How many events these were"),
    at: time,
    outcome: z.enum(OUTCOMES),
    status: z.int().nullable().describe("The response's status"),
    took: z.int().describe("ms"),
    try: z.int().describe("Which try of its event it was, from 1"),
    reason: z.string().nullable(),
    excerpt: z.string().nullable().describe("The response's beginning, without addresses"),
  })
  .meta({ id: "Attempt" });

const AttemptsQuery = z
  .strictObject({
    pipe: word.optional().describe("Its id or its name"),
    event: word.optional(),
    contact: queryAddress.optional(),
    outcome: several(OUTCOMES),
    after: z
      .string()
      .regex(/^\w{1,64}\.\w{1,64}$/, "is not a cursor; pass what `next` held")
      .optional(),
    limit,
  })
  .refine((query) => query.pipe ?? query.event ?? query.contact, {
    path: ["pipe"],
    message: "pass pipe, event or contact",
  });

const listing = createRoute({
  ...needs("read"),
  method: "get",
  path: "/",
  tags: ["Pipes"],
  summary: "The log of deliveries, the latest first: all failures, and a sample of successes",
  description:
    "Search by pipe, event or contact; an event is also found where it was sent with others. Attempts are kept for 30 days.",
  request: { query: AttemptsQuery },
  responses: { 200: json("The attempts", pageOf("attempts", Attempt)), ...problems(400) },
});

attempts.openapi(listing, async (c) => {
  const { after, limit: size = 100, ...filter } = c.req.valid("query");
  const pipe = filter.pipe === undefined ? undefined : await pipeIdOf(c.var.db, filter.pipe);
  const records = await listAttempts(c.var.db, { ...filter, pipe, before: after, limit: size + 1 });
  const page = records.slice(0, size);
  const next = records.length > size ? (page.at(-1)?.id ?? null) : null;
  return c.json({ attempts: page.map(attemptView), next }, 200);
});

function attemptView({ id, at, n, events, ...attempt }: AttemptRecord) {
  const pipe = id.slice(0, id.indexOf("."));
  return { ...attempt, id, pipe, events: [...events], count: n, at: iso(at) };
}
