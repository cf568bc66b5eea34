// What pipes did and are to do once more: /v1/attempts, /v1/redeliveries, and /v1/pipe-kinds, which says what they can be.

import * as z from "zod";
import { compileFilter } from "../../pipes/filter/filter.ts";
import { kinds } from "../../pipes/kinds/index.ts";
import { eventRow, select } from "../../pipes/select.ts";
import { listAttempts, OUTCOMES } from "../../store/pipes/delivery-log.ts";
import { feedEnd, placeAt, readFeed, seqsOf } from "../../store/events/events.ts";
import { listPipes, type PipeRecord } from "../../store/pipes/pipes.ts";
import { json, needs, pageOf, problems } from "../kit/responses.ts";
import { address, instant, limit, word } from "../kit/parameters.ts";
import { ProblemError } from "../kit/problem.ts";
import { createRoute, router } from "../kit/routes.ts";
import { time } from "../schemas.ts";
import { newId } from "../../lib/time-id.ts";
import { iso } from "../views.ts";

const tags = ["Pipes"];

export const attempts = router();
export const redeliveries = router();
export const pipeKinds = router();

const Attempt = z
  .object({
    id: z.string(),
    pipe: z.string(),
    events: z.array(z.string()).describe("Those that went together"),
    count: z.int().describe("How many they were"),
    at: time,
    outcome: z.enum(OUTCOMES),
    status: z.int().nullable().describe("The response's"),
    took: z.int().describe("ms"),
    try: z.int().describe("Which try of its event it was, from 1"),
    reason: z.string().nullable(),
    excerpt: z.string().nullable().describe("The response's beginning, without addresses"),
  })
  .meta({ id: "Attempt" });

const listing = createRoute({
  ...needs("read"),
  method: "get",
  path: "/",
  tags,
  summary: "The log of deliveries, the latest first: all failures, and a sample of successes",
  description: "By pipe, by event or by contact, alone or in a batch. Attempts are kept for 30 days.",
  request: {
    query: z
      .strictObject({
        pipe: word.optional(),
        event: word.optional(),
        contact: address.optional(),
        outcome: z.enum(OUTCOMES, `must be one of ${OUTCOMES.join(", ")}`).optional(),
        after: z
          .string()
          .regex(/^\w{1,64}\.\w{1,64}$/, "is not a cursor; pass what `next` held")
          .optional(),
        limit,
      })
      .refine((query) => query.pipe ?? query.event ?? query.contact, {
        path: ["pipe"],
        message: "pass pipe, event or contact",
      }),
  },
  responses: { 200: json("The attempts", pageOf("attempts", Attempt)), ...problems(400) },
});

attempts.openapi(listing, async (c) => {
  const { after, limit: size = 100, ...filter } = c.req.valid("query");
  const found = await listAttempts(c.var.db, { ...filter, before: after, limit: size + 1 });
  const page = found.slice(0, size);
  const shapes = page.map(({ id, at, n, events, ...one }) => {
    return { ...one, id, pipe: id.slice(0, id.indexOf(".")), events: [...events], count: n, at: iso(at) };
  });
  return c.json({ attempts: shapes, next: found.length > size ? (page.at(-1)?.id ?? null) : null }, 200);
});

/** Events that one request looks through to count, and ids that it takes. */
const MOST_COUNTED = 100_000;
const MOST_EVENTS = 1_000;
const SLICE = 1_000;

const Asked = z
  .strictObject({
    pipes: z
      .array(z.string(), "must be a list of pipes' ids")
      .min(1, "must not be empty")
      .max(50, "at most 50 pipes")
      .describe("Ids of the pipes that get them"),
    events: z
      .array(z.string(), "must be a list of events' ids")
      .min(1, "must not be empty")
      .max(MOST_EVENTS, `at most ${MOST_EVENTS} events`)
      .optional()
      .describe("These, whatever the pipe's filter says"),
    from: instant.optional().describe("Or those received from then on"),
    to: instant.optional().describe("until then; without it until now"),
    filter: z
      .string("must be a text")
      .superRefine((text, context) => {
        const compiled = compileFilter(text);
        if (!compiled.ok) context.addIssue({ code: "custom", message: compiled.reason });
      })
      .optional()
      .describe("Of these, those that this filter and the pipe's own let through"),
    dry_run: z.boolean("must be true or false").default(true).describe("Only count them"),
  })
  .refine((asked) => (asked.events === undefined) !== (asked.from === undefined), {
    path: ["events"],
    message: "pass events, or from",
  })
  .refine((asked) => asked.events === undefined || (asked.to ?? asked.filter) === undefined, {
    path: ["events"],
    message: "stand alone, without to and filter",
  });

const asking = createRoute({
  ...needs("write"),
  method: "post",
  path: "/",
  tags,
  summary: "Pass events on once more, to the pipes that are named",
  description:
    "A dry run (the default) counts them. Receivers can tell: the event's id is the same, the attempt's id is another.",
  request: { body: { required: true, content: { "application/json": { schema: Asked } } } },
  responses: {
    200: json(
      "By pipe, how many events there are",
      z.object({
        id: z.string().nullable().describe("null of a dry run"),
        pipes: z.array(
          z.object({
            pipe: z.string(),
            count: z.int(),
            complete: z
              .boolean()
              .describe("Whether all were counted, or the first 100,000 that were looked through"),
          }),
        ),
      }),
    ),
    ...problems(400, 404),
  },
});

redeliveries.openapi(asking, async (c) => {
  const { pipes: ids, events, from, to, filter = null, dry_run } = c.req.valid("json");
  const all = await listPipes(c.env.DB);
  const wanted = [...new Set(ids)].map((id) => {
    const pipe = all.find((one) => one.id === id);
    if (pipe === undefined) throw new ProblemError(404, `There is no pipe with the id ${id.slice(0, 64)}.`);
    return pipe;
  });
  const id = dry_run ? null : newId(Date.now());
  if (events !== undefined) {
    const found = await seqsOf(c.env.DB, [...new Set(events)]);
    if (found.length < new Set(events).size) {
      const unknown = events.find((one) => !found.some((event) => event.id === one)) ?? "";
      throw new ProblemError(404, `There is no event with the id ${unknown.slice(0, 64)}.`);
    }
    if (id !== null) for (const pipe of wanted) await (await begun(c.env, pipe)).redeliverEvents(found);
    return c.json(
      { id, pipes: wanted.map((pipe) => ({ pipe: pipe.id, count: found.length, complete: true })) },
      200,
    );
  }
  const end = await feedEnd(c.env.DB);
  const after = await placeAt(c.env.DB, from ?? 0, 0);
  const last = to === undefined ? end : await placeAt(c.env.DB, to, 0);
  const counts: { pipe: string; count: number; complete: boolean }[] = [];
  for (const pipe of wanted)
    counts.push({ pipe: pipe.id, ...(await count(c.env, pipe, { after, last, filter })) });
  if (id !== null)
    for (const pipe of wanted) await (await begun(c.env, pipe)).redeliver({ id, after, last, filter });
  return c.json({ id, pipes: counts }, 200);
});

/** The pipe's object; where making the pipe was cut off, it begins now. */
async function begun(env: Env, { id, start }: PipeRecord) {
  const pipe = env.PIPES.getByName(id);
  await pipe.begin(id, start);
  return pipe;
}

async function count(
  env: Env,
  pipe: PipeRecord,
  { after, last, filter }: { after: number; last: number; filter: string | null },
): Promise<{ count: number; complete: boolean }> {
  const own = pipe.filter === null ? null : compileFilter(pipe.filter);
  const compiled = own?.ok === true ? own.value : null;
  let [found, place, looked] = [0, after, 0];
  while (looked < MOST_COUNTED) {
    const events = await readFeed(env.DB, { after: place, last, limit: SLICE });
    const rows = events.map(eventRow);
    found += (await select(env, { filter: compiled, form: "event" }, rows, filter)).passed.length;
    looked += events.length;
    place = events.at(-1)?.seq ?? last;
    if (events.length < SLICE) return { count: found, complete: true };
  }
  return { count: found, complete: false };
}

const describing = createRoute({
  ...needs("read"),
  method: "get",
  path: "/",
  tags,
  summary: "The kinds of pipe, and the settings of each as JSON Schema",
  responses: {
    200: json(
      "The kinds",
      z.object({
        pipe_kinds: z.array(
          z.object({
            kind: z.string(),
            title: z.string(),
            secrets: z.array(z.string()).describe("Settings that are stored encrypted and never shown"),
            most_events: z.int().describe("In one request"),
            settings: z.record(z.string(), z.unknown()),
          }),
        ),
        next: z.null(),
      }),
    ),
    ...problems(),
  },
});

pipeKinds.openapi(describing, async (c) => {
  const list = Object.values(kinds).map(({ id, title, secrets, batch, settings }) => ({
    kind: id,
    title,
    secrets: [...secrets],
    most_events: batch.events,
    settings: z.toJSONSchema(settings, { io: "input", unrepresentable: "any" }) as Record<string, unknown>,
  }));
  return c.json({ pipe_kinds: list, next: null }, 200);
});
