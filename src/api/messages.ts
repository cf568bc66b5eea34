// /v1/messages: the status of one mail. It is found by the provider's id, by the sender's own id, or by contact and
// campaign.

import * as z from "zod";
import { etag } from "hono/etag";
import { findMessages, getMessage, getMessageEvents, type FoundMessage } from "../store/events/messages.ts";
import { json, needs, problems } from "./kit/responses.ts";
import { MessagesQuery } from "./kit/parameters.ts";
import type { ApiEnv } from "./kit/env.ts";
import { ProblemError } from "./kit/problem.ts";
import { sees } from "./kit/reach.ts";
import { createRoute, router } from "./kit/routes.ts";
import { Message } from "./schemas.ts";
import { messageView } from "./views.ts";

const tags = ["Messages"];

/** The routes of /v1/messages. */
export const messages = router();

const listing = createRoute({
  ...needs("read", "filters"),
  method: "get",
  path: "/",
  tags,
  summary: "Messages by the sender's own id, or by contact and campaign",
  description: "Pass `custom_id`, or `contact` and `campaign`. The answer contains the latest 100.",
  request: { query: MessagesQuery },
  responses: {
    200: json("The messages", z.object({ messages: z.array(Message), next: z.null() })),
    ...problems(400),
  },
});

messages.openapi(listing, async (c) => {
  const matches = await findMessages(c.var.db, c.req.valid("query"));
  const seen = matches.map((match) => seenOf(c.var.token, match)).filter(({ rows }) => rows.length > 0);
  return c.json({ messages: seen.map(({ rows, events }) => messageView(rows, events)), next: null }, 200);
});

const single = createRoute({
  ...needs("read", "filters"),
  method: "get",
  path: "/{id}",
  tags,
  summary: "A message's status, recipients and events",
  request: { params: z.object({ id: z.string() }) },
  responses: { 200: json("The message", Message), ...problems(404) },
});

messages.use("/:id", etag());
messages.openapi(single, async (c) => {
  const { id } = c.req.valid("param");
  const { rows } = seenOf(c.var.token, { rows: await getMessage(c.var.db, id), events: [] });
  if (rows.length === 0) throw new ProblemError(404, "There is no message with this id.");
  const { events } = seenOf(c.var.token, { rows, events: await getMessageEvents(c.var.db, id, rows) });
  return c.json(messageView(rows, events), 200);
});

/** The recipients and events of a message that the token sees. */
function seenOf(token: ApiEnv["Variables"]["token"], { rows, events }: FoundMessage): FoundMessage {
  return {
    rows: rows.filter(({ source }) => sees(token, source)),
    events: events.filter(({ source }) => sees(token, source)),
  };
}
