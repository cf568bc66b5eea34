// Removing all data of a source, and the receipts.

import * as z from "zod";
import { configOf } from "../config/config.ts";
import { removalSettlesAt, removeSource } from "../erasure/source/remove.ts";
import { storeOf } from "../store/db.ts";
import { latestFirst } from "../store/erasure/receipts.ts";
import { getRemoval, type Removal } from "../store/erasure/removals.ts";
import { countRemovable } from "../store/erasure/source-rows.ts";
import { findSource } from "../store/events/sources.ts";
import { idCursor, limit, word } from "./kit/parameters.ts";
import { ProblemError, wrongParameter } from "./kit/problem.ts";
import { json, needs, pageOf, problems } from "./kit/responses.ts";
import { createRoute, router } from "./kit/routes.ts";
import { time } from "./schemas.ts";
import { iso, isoOrNull } from "./views.ts";

const tags = ["Sources"];
const figures = {
  events: z.int().describe("With their share of all counters"),
  messages: z.int().describe("Messages of which no event is left"),
  suppressions: z.int().describe("Suppressions that rest on these events; those with other evidence stay"),
  dead_letters: z.int(),
};

const Receipt = z
  .object({
    id: z.string(),
    source: z.string(),
    status: z.enum(["running", "done"]),
    until: time.describe("What was received until then is removed; what came later stays"),
    asked_at: time,
    asked_by: z.string().describe("The name of the token"),
    settles_at: time
      .nullable()
      .describe(
        "When the next pass begins: the second one removes what was on its way, the third stores what was taken for a " +
          "repeat of a removed report; null once it is done",
      ),
    finished_at: time.nullable(),
    removed: z.object({
      ...figures,
      contacts: z.int().describe("Contacts of whom nothing else was known"),
      archive: z.object({
        deliveries: z.int().describe("Raw requests"),
        objects: z.int().describe("Objects of the archive that held them"),
        unreadable: z.int().describe("Damaged objects, which stay"),
      }),
    }),
  })
  .meta({ id: "Removal" });

const Preview = z
  .object({
    dry_run: z.literal(true),
    source: z.string(),
    until: time,
    would_remove: z.object(figures),
  })
  .meta({ id: "RemovalPreview" });

function receiptOf(removal: Removal): z.output<typeof Receipt> {
  const { id, source, asked_by, events, messages, contacts, suppressions, dead_letters } = removal;
  const { deliveries, objects, unreadable, finished_at } = removal;
  return {
    id,
    source,
    status: finished_at === null ? "running" : "done",
    until: iso(removal.until),
    asked_at: iso(removal.asked_at),
    asked_by,
    settles_at: finished_at === null ? iso(removalSettlesAt(removal)) : null,
    finished_at: isoOrNull(finished_at),
    removed: {
      events,
      messages,
      suppressions,
      dead_letters,
      contacts,
      archive: { deliveries, objects, unreadable },
    },
  };
}

/** The route that removes, mounted on /v1/sources. */
export const removing = router();

const asked = {
  params: z.object({ source: z.string() }),
  query: z.strictObject({
    dry_run: z
      .enum(["true", "false"], "must be true or false")
      .optional()
      .meta({ description: "Only tell what would be removed" }),
    confirm: z
      .string()
      .optional()
      .meta({ description: "The source's name", examples: ["mailjet"] }),
  }),
};
const answers = {
  200: json("What would be removed", Preview),
  202: json("The removal is under way; GET /v1/removals/{id} reports its progress", Receipt),
  ...problems(400, 404),
};

const removingData = createRoute({
  ...needs("admin"),
  method: "delete",
  path: "/{source}/data",
  tags,
  summary: "Remove everything that a source has sent, such as test data before going live",
  description:
    "Removes the source's events with their share of all counters, messages, dead letters, suppressions that rest on " +
    "them, contacts of whom nothing else is known, and the raw requests in the archive. Other sources' data, entries by " +
    "hand, imports, and places in the feed stay. Pass `dry_run=true` first; the real request takes `confirm=` with the source's " +
    "name. What is received later stays. A report that is sent again later counts anew. This request does what it can, scheduled runs do the " +
    "rest, and a second pass twenty minutes later removes what was on its way. A third one, again twenty minutes later, stores " +
    "reports that came again while the removal was at work and were taken for repeats.",
  request: asked,
  responses: answers,
});

const removingSource = createRoute({
  ...needs("admin"),
  method: "delete",
  path: "/{source}",
  tags,
  summary: "The same as DELETE /v1/sources/{source}/data",
  description:
    "The source itself is part of the configuration and stays; take it out of SOURCES and SOURCE_CREDENTIALS.",
  request: asked,
  responses: answers,
});

/** The route of the same for those who look for it at the events, mounted on /v1/events. */
export const removingEvents = router();

const removingByEvents = createRoute({
  ...needs("admin"),
  method: "delete",
  path: "/",
  tags,
  summary: "The same as DELETE /v1/sources/{source}/data, for one source",
  description:
    "Single events cannot be removed. To remove all that is known about a person, erase the contact.",
  request: { query: asked.query.extend({ source: word }) },
  responses: answers,
});

removingEvents.openapi(removingByEvents, async (c) => {
  const answer = await answerOf(c.env, c.req.valid("query"), c.var.token.name);
  return "dry_run" in answer ? c.json(answer, 200) : c.json(answer, 202);
});

/** What a request that removes asks for. */
interface Asked {
  source: string;
  dry_run?: "true" | "false" | undefined;
  confirm?: string | undefined;
}

for (const route of [removingData, removingSource])
  removing.openapi(route, async (c) => {
    const answer = await answerOf(
      c.env,
      { ...c.req.valid("param"), ...c.req.valid("query") },
      c.var.token.name,
    );
    return "dry_run" in answer ? c.json(answer, 200) : c.json(answer, 202);
  });

async function answerOf(env: Env, { source, dry_run, confirm }: Asked, by: string) {
  const known = configOf(env).sources.has(source) || (await findSource(storeOf(env), source)) !== null;
  if (!known)
    throw new ProblemError(404, "There is no source of this name, and none has ever sent anything.");
  const now = Date.now();
  if (dry_run === "true") {
    const would_remove = await countRemovable(storeOf(env), source);
    return { dry_run: true as const, source, until: iso(now), would_remove };
  }
  if (confirm !== source) {
    const reason = `must be the source's name, because its data cannot be restored: confirm=${encodeURIComponent(source)}, or dry_run=true to see what would be removed`;
    throw wrongParameter("confirm", reason);
  }
  const removal = await removeSource(env, source, by, now);
  console.log({ message: "the data of a source are removed", source, by });
  return receiptOf(removal);
}

/** The routes of /v1/removals. */
export const removals = router();

const listing = createRoute({
  ...needs("admin"),
  method: "get",
  path: "/",
  tags,
  summary: "The receipts of all removals of sources' data, the latest first",
  request: { query: z.strictObject({ after: idCursor.optional(), limit }) },
  responses: { 200: json("The receipts", pageOf("removals", Receipt)), ...problems(400) },
});

removals.openapi(listing, async (c) => {
  const { after, limit: most = 100 } = c.req.valid("query");
  const page = await latestFirst(c.var.db, "removals", { before: after, limit: most });
  return c.json({ removals: page.items.map(receiptOf), next: page.next }, 200);
});

const single = createRoute({
  ...needs("admin"),
  method: "get",
  path: "/{id}",
  tags,
  summary: "The receipt of a removal of a source's data, with its progress",
  request: { params: z.object({ id: z.string() }) },
  responses: { 200: json("The receipt", Receipt), ...problems(404) },
});

removals.openapi(single, async (c) => {
  const removal = await getRemoval(storeOf(c.env), c.req.valid("param").id);
  if (removal === null) throw new ProblemError(404, "There is no removal with this id.");
  return c.json(receiptOf(removal), 200);
});
