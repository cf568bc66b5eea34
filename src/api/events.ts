// /v1/events: the stored feed, and one event with the provider's raw element.

import * as z from "zod";
import { etag } from "hono/etag";
import { configOf, settingsOf } from "../config/config.ts";
import { deliveryOf, elementAt } from "../providers/kit/delivery.ts";
import { providers } from "../providers/index.ts";
import { getEnvelope } from "../store/bucket/archive.ts";
import { encodePosition, type FeedPosition } from "../store/feed-position.ts";
import { eventPages, findEvent, type RawPlace } from "../store/events/events.ts";
import { json, needs, pageOf, problems } from "./kit/responses.ts";
import { answerList, listOf } from "./kit/lists.ts";
import { EventsQuery } from "./kit/parameters.ts";
import { ProblemError } from "./kit/problem.ts";
import { sees } from "./kit/reach.ts";
import { createRoute, router } from "./kit/routes.ts";
import { Event, EventWithRaw } from "./schemas.ts";
import { eventView } from "./views.ts";

const tags = ["Events"];

/** The routes of /v1/events. */
export const events = router();

const resume = z
  .string()
  .nullable()
  .describe(
    "Never null in ascending order, not even at the end. Pass it as `after`, now or later, to get what follows this page.",
  );

const listing = createRoute({
  ...needs("read", "parameter"),
  method: "get",
  path: "/",
  tags,
  summary: "Events in order of storage",
  description:
    "JSON comes in pages. `Accept: text/csv` or `application/x-ndjson` streams all events that match, or `limit` of them. " +
    "With several databases, the order is that of storage in the feed of each; the feeds are merged by the time of receipt.",
  request: { query: EventsQuery },
  responses: {
    200: listOf("The events", pageOf("events", Event).extend({ resume })),
    ...problems(400),
  },
});

events.openapi(listing, async (c) => {
  const { limit, after, ...filter } = c.req.valid("query");
  const pageAfter = eventPages(c.var.shards, filter);
  const page = async (from: FeedPosition | undefined, size: number) => {
    const { events: stored, next, resume } = await pageAfter(from, size);
    return { items: stored.map(eventView), next, resume };
  };
  return await answerList(c, { item: Event, after, limit, page }, ({ items, next, resume }) =>
    c.json({ events: items, next: cursorOf(next), resume: cursorOf(resume) }, 200),
  );
});

const cursorOf = (position: FeedPosition | null): string | null =>
  position === null ? null : encodePosition(position);

const single = createRoute({
  ...needs("read", "filters"),
  method: "get",
  path: "/{id}",
  tags,
  summary: "One event, with the provider's raw element",
  request: { params: z.object({ id: z.string() }) },
  responses: { 200: json("The event", EventWithRaw), ...problems(404) },
});

events.use("/:id", etag());
events.openapi(single, async (c) => {
  const stored = await findEvent(c.var.shards, c.req.valid("param").id);
  if (stored === null || !sees(c.var.token, stored.event.source))
    throw new ProblemError(404, "There is no event with this id.");
  const raw = await rawOf(c.env, stored.event.provider, stored.place);
  return c.json({ ...eventView(stored.event), raw }, 200);
});

/** The provider's own element from the archive, exact to the last digit; null if the archive no longer has it. */
async function rawOf(env: Env, providerId: string, { batch, line, element }: RawPlace): Promise<unknown> {
  const provider = providers[providerId];
  const envelope = await getEnvelope(env.BUCKET, batch, line);
  if (envelope === null || provider === undefined) return null;
  const settings = settingsOf(configOf(env), envelope.source);
  // Envelopes that were stored by older versions still contain their proof.
  const body = provider.withoutProof?.(envelope.body) ?? envelope.body;
  return elementAt(provider, deliveryOf({ ...envelope, body }, settings), element) ?? null;
}
