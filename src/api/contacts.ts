// /v1/contacts/{address}: answers "did she get it?" and "may I mail her?" for one address.

import * as z from "zod";
import { etag } from "hono/etag";
import { getContact } from "../store/events/contacts.ts";
import { findErased } from "../store/erasure/erased.ts";
import { listTimeline } from "../store/events/of-contacts.ts";
import { ofErased } from "../store/suppressions/suppressions.ts";
import { json, needs, pageOf, problems } from "./kit/responses.ts";
import { answerList, listOf } from "./kit/lists.ts";
import { address, TimelineQuery } from "./kit/parameters.ts";
import { ProblemError } from "./kit/problem.ts";
import { sees } from "./kit/reach.ts";
import { createRoute, router } from "./kit/routes.ts";
import { Contact, Event } from "./schemas.ts";
import { contactView, eventView } from "./views.ts";

const tags = ["Contacts"];
const params = z.object({ address });

/** The routes of /v1/contacts, except the lists and erasure. */
export const contacts = router();

const single = createRoute({
  ...needs("read"),
  method: "get",
  path: "/{address}",
  tags,
  summary: "A contact: its suppressions, counts of events by type, first and last seen",
  request: { params },
  responses: { 200: json("The contact", Contact), ...problems(400, 404) },
});

contacts.use("/:address", etag());
contacts.openapi(single, async (c) => {
  const contact = c.req.valid("param").address;
  const record = await getContact(c.var.shards, contact);
  if (record === null) throw new ProblemError(404, "Nothing is known of this address.");
  const erased = (await findErased(c.var.db, c.env.BUCKET, [contact])).get(contact);
  const suppressions =
    erased === undefined ? record.suppressions : [ofErased(erased), ...record.suppressions];
  return c.json(contactView(contact, { ...record, suppressions }), 200);
});

const timeline = createRoute({
  ...needs("read", "filters"),
  method: "get",
  path: "/{address}/timeline",
  tags,
  summary: "A contact's events over all sources that the token sees, latest occurrence first",
  request: { params, query: TimelineQuery },
  responses: {
    200: listOf("The events", pageOf("events", Event)),
    ...problems(400),
  },
});

contacts.openapi(timeline, async (c) => {
  const contact = c.req.valid("param").address;
  const { after, limit } = c.req.valid("query");
  const { db } = await c.var.shards.of(contact);
  const page = async (before: string | undefined, size: number) => {
    const { events, next } = await listTimeline(db, { contact, before, limit: size });
    return { items: events.filter(({ source }) => sees(c.var.token, source)).map(eventView), next };
  };
  return await answerList(c, { item: Event, after, limit, page }, ({ items, next }) =>
    c.json({ events: items, next }, 200),
  );
});
