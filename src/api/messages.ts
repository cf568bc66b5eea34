// /v1/messages: the status of one mail. It is found by the provider's id, by the sender's own id, by campaign, or by
// contact and campaign.

import * as z from "zod";
import { etag } from "hono/etag";
import {
  findMessagesAcross,
  getMessageAcross,
  getMessageEventsAcross,
  recipientsOf,
} from "../store/across/messages.ts";
import { listMessagesAcross, type RecipientPlace } from "../store/across/recipients.ts";
import type { FoundMessage } from "../store/events/messages.ts";
import { answerList, listOf } from "./kit/lists.ts";
import { json, needs, pageOf, problems } from "./kit/responses.ts";
import { domain, limit, queryAddress, word } from "./kit/parameters.ts";
import { severalNames, severalOf } from "./kit/several.ts";
import { deedFilters, PAGING, readRecipientCursor, recipientCursorOf } from "./recipients.ts";
import type { ApiEnv } from "./kit/env.ts";
import { ProblemError } from "./kit/problem.ts";
import { sees } from "./kit/reach.ts";
import { refuse } from "./kit/refuse.ts";
import { createRoute, router } from "./kit/routes.ts";
import { Message } from "./schemas.ts";
import { messageView } from "./views.ts";

const tags = ["Messages"];

/** The routes of /v1/messages. */
export const messages = router();

const WAYS = "pass custom_id, or campaign, or contact and campaign";

const MessagesQuery = z
  .strictObject({
    custom_id: word.optional(),
    contact: queryAddress.optional(),
    campaign: severalNames(word, { description: "All mails of these campaigns, or those to the contact." }),
    ...deedFilters,
    domain: severalOf(domain, { examples: ["example.com"] }),
    after: z.string().optional(),
    limit,
  })
  .transform(({ custom_id, contact, campaign, after, limit: most, domain: domains, ...wanted }, context) => {
    if ((custom_id === undefined) === (campaign === undefined))
      return refuse(
        context,
        custom_id === undefined && contact === undefined ? "custom_id" : "campaign",
        WAYS,
      );
    if (campaign !== undefined && contact === undefined) {
      const place = after === undefined ? undefined : readRecipientCursor(after);
      if (place === null)
        return refuse(context, "after", "is not a cursor of this list; pass what `next` held");
      return { campaign, wanted, domain: domains, after: place, limit: most };
    }
    if (custom_id !== undefined && contact !== undefined) return refuse(context, "contact", WAYS);
    const others = { ...wanted, domain: domains, after };
    const [other] = Object.entries(others).flatMap(([name, value]) => (value === undefined ? [] : [name]));
    if (other !== undefined) return refuse(context, other, "goes with campaign alone");
    return {
      of: custom_id === undefined ? { contact: contact ?? "", campaign: campaign ?? [] } : { custom_id },
      limit: most,
    };
  });

const listing = createRoute({
  ...needs("read", "filters"),
  method: "get",
  path: "/",
  tags,
  summary: "Messages by the sender's own id, of a campaign, or of a contact and a campaign",
  description:
    "With `custom_id`, or with `contact` and `campaign`, the answer contains the latest 100. With `campaign` alone it lists " +
    `all mails of the campaign, one for each recipient, also by what became of them: \`campaign=spring&opened=false\`. ${PAGING}`,
  request: { query: MessagesQuery },
  responses: {
    200: listOf("The messages", pageOf("messages", Message)),
    ...problems(400),
  },
});

messages.openapi(listing, async (c) => {
  const asked = c.req.valid("query");
  const viewsOf = (found: readonly FoundMessage[]) =>
    found
      .map((one) => seenOf(c.var.token, one))
      .filter(({ rows }) => rows.length > 0)
      .map(({ rows, events }) => messageView(rows, events));
  const page = async (from: RecipientPlace | undefined, size: number) => {
    if ("of" in asked) {
      const found = await findMessagesAcross(c.var.shards, asked.of);
      return { items: viewsOf(found.slice(0, asked.limit)), next: null };
    }
    const { items, next } = await listMessagesAcross(c.var.shards, asked, from, size);
    return { items: viewsOf(items), next };
  };
  const list = { item: Message, after: "of" in asked ? undefined : asked.after, limit: asked.limit, page };
  return await answerList(c, list, ({ items, next }) =>
    c.json({ messages: items, next: next === null ? null : recipientCursorOf(next) }, 200),
  );
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
  const parts = (await getMessageAcross(c.var.shards, id)).map(({ db, rows }) => ({
    db,
    rows: seenOf(c.var.token, { rows, events: [] }).rows,
  }));
  const rows = recipientsOf(parts);
  if (rows.length === 0) throw new ProblemError(404, "There is no message with this id.");
  const { events } = seenOf(c.var.token, { rows, events: await getMessageEventsAcross(id, parts) });
  return c.json(messageView(rows, events), 200);
});

/** The recipients and events of a message that the token sees. */
function seenOf(token: ApiEnv["Variables"]["token"], { rows, events }: FoundMessage): FoundMessage {
  return {
    rows: rows.filter(({ source }) => sees(token, source)),
    events: events.filter(({ source }) => sees(token, source)),
  };
}
