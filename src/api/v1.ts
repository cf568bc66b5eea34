// /v1: what was stored, for whoever holds a token.

import { Hono } from "hono";
import { configOf } from "../config.ts";
import { equalSecrets } from "../providers/credentials.ts";
import { deliveryOf, elementAt } from "../providers/delivery.ts";
import { providers } from "../providers/index.ts";
import { getEnvelope } from "../store/archive.ts";
import { getContact, getMessage } from "../store/contacts.ts";
import { getEvent, listEvents, listTimeline, type RawPlace } from "../store/events.ts";
import { listSources } from "../store/sources.ts";
import { deadLetters } from "./dead-letters.ts";
import { EventsQuery, readAddress, readQuery, TimelineQuery } from "./parameters.ts";
import { problem, ProblemError } from "./problem.ts";
import { contactShape, eventShape, messageShape, sourceShape } from "./shapes.ts";

/** Most events of one message that are shown with it. */
const MOST_OF_A_MESSAGE = 1_000;

export const v1 = new Hono<{ Bindings: Env }>();

v1.use(async (c, next) => {
  const token = /^bearer (\S+)$/i.exec(c.req.header("authorization") ?? "")?.[1] ?? "";
  let known = 0;
  for (const expected of configOf(c.env).tokens.values()) known += equalSecrets(token, expected) ? 1 : 0;
  if (known > 0) return await next();
  return problem(401, "Send a token of API_TOKENS as `Authorization: Bearer <token>`.", {
    headers: { "www-authenticate": 'Bearer realm="tidings"' },
  });
});

v1.get("/events", async (c) => {
  const { events, next } = await listEvents(c.env.DB, readQuery(EventsQuery, c.req.url));
  return c.json({ events: events.map(eventShape), next: next === null ? null : String(next) });
});

v1.get("/events/:id", async (c) => {
  const found = await getEvent(c.env.DB, c.req.param("id"));
  if (found === null) throw new ProblemError(404, "There is no event with this id.");
  return c.json({ ...eventShape(found.event), raw: await rawOf(c.env, found.event.provider, found.place) });
});

/** The provider's own element out of the archive, to the last digit; null where the archive has it no more. */
async function rawOf(env: Env, providerId: string, { batch, line, element }: RawPlace): Promise<unknown> {
  const provider = providers[providerId];
  const envelope = await getEnvelope(env.BUCKET, batch, line);
  if (envelope === null || provider === undefined) return null;
  const settings = configOf(env).sources.get(envelope.source)?.settings ?? {};
  return elementAt(provider, deliveryOf(envelope, settings), element) ?? null;
}

v1.get("/contacts/:address", async (c) => {
  const contact = readAddress(c.req.param("address"));
  const record = await getContact(c.env.DB, contact);
  if (record === null) throw new ProblemError(404, "Nothing is known of this address.");
  return c.json(contactShape(contact, record));
});

v1.get("/contacts/:address/timeline", async (c) => {
  const contact = readAddress(c.req.param("address"));
  const { after, limit } = readQuery(TimelineQuery, c.req.url);
  const { events, next } = await listTimeline(c.env.DB, { contact, before: after, limit });
  return c.json({ events: events.map(eventShape), next });
});

v1.get("/messages/:id", async (c) => {
  const messageId = c.req.param("id");
  const rows = await getMessage(c.env.DB, messageId);
  if (rows.length === 0) throw new ProblemError(404, "There is no message with this id.");
  const filter = { message_id: messageId, order: "asc", limit: MOST_OF_A_MESSAGE } as const;
  const { events } = await listEvents(c.env.DB, filter);
  return c.json(messageShape(rows, events));
});

v1.get("/sources", async (c) =>
  c.json({ sources: (await listSources(c.env.DB)).map(sourceShape), next: null }),
);

v1.route("/dead-letters", deadLetters);

v1.all("*", () => problem(404, "There is no such resource."));
