// /v1/suppressions: lists suppressions with their reasons, suppresses and lifts by hand, and answers "may I mail
// these?" in one round trip.

import * as z from "zod";
import { etag } from "hono/etag";
import { readAddress } from "../../model/address.ts";
import { listChangedSuppressions, type ChangeCursor } from "../../store/suppressions/changes.ts";
import { changeCursorOf } from "../kit/changes.ts";
import { listSuppressions, type SuppressionCursor } from "../../store/suppressions/list.ts";
import { checkContacts, getSuppressions } from "../../store/suppressions/suppressions.ts";
import { json, needs, pageOf, problems } from "../kit/responses.ts";
import { answerList, listOf } from "../kit/lists.ts";
import { liftSuppressions, suppressByHand } from "../../contact/suppress.ts";
import { joinSpellings } from "../../history/respell.ts";
import { address } from "../kit/parameters.ts";
import { ProblemError } from "../kit/problem.ts";
import { createRoute, router } from "../kit/routes.ts";
import { ListedSuppression, suppressionReason, SuppressionStatus, time } from "../schemas.ts";
import { changedSuppressionViews, listedSuppressionView, suppressionStatusView, iso } from "../views.ts";
import { encodeCursor } from "../kit/cursor.ts";
import { Checking, LiftQuery, Suppressing, SuppressionsQuery } from "./parameters.ts";

const tags = ["Suppressions"];
const params = z.object({ address });

/** The routes of /v1/suppressions, except import, release and drop. */
export const suppressions = router();

const listing = createRoute({
  ...needs("read"),
  method: "get",
  path: "/",
  tags,
  summary: "Suppressions in order of their evidence's time; as CSV they can be imported elsewhere",
  description:
    "Those in force, unless `held` or `include` is set. If filters exclude many, a page may be shorter than `limit`; " +
    "continue until `next` is null. `since` and `until` are about the evidence, which may be reported or imported late: for " +
    "what is new since a night ago use `changed_after`. It lists the addresses whose state was stored since, in that order, " +
    "each with all its suppressions of now, lifted and held ones included (`suppressed` is false): they replace what you " +
    "hold of the address. Keep `resume` for the next time. An erased address is not told, because it is stored nowhere.",
  request: { query: SuppressionsQuery },
  responses: {
    200: listOf(
      "The suppressions",
      pageOf("suppressions", ListedSuppression).extend({
        resume: z.string().optional().describe("With `changed_after`: pass it there the next time"),
      }),
    ),
    ...problems(400),
  },
});

suppressions.openapi(listing, async (c) => {
  const asked = c.req.valid("query");
  if (asked.changed !== undefined) {
    const page = async (from: ChangeCursor | undefined, size: number) => {
      const changes = await listChangedSuppressions(c.var.db, from ?? asked.changed, asked.filter, size);
      return { ...changes, items: changes.items.flatMap(changedSuppressionViews) };
    };
    const list = { item: ListedSuppression, after: asked.changed, limit: asked.limit, page };
    return await answerList(c, list, ({ items, next, resume }) =>
      c.json(
        {
          suppressions: items,
          next: next === null ? null : changeCursorOf(next),
          resume: changeCursorOf(resume),
        },
        200,
      ),
    );
  }
  const { after, limit, filter } = asked;
  const page = async (from: SuppressionCursor | undefined, size: number) => {
    const { items, next } = await listSuppressions(c.var.db, filter, from, size);
    return { items: items.map(listedSuppressionView), next };
  };
  return await answerList(c, { item: ListedSuppression, after, limit, page }, ({ items, next }) =>
    c.json({ suppressions: items, next: next === null ? null : encodeCursor(next) }, 200),
  );
});

const single = createRoute({
  ...needs("read"),
  method: "get",
  path: "/{address}",
  tags,
  summary: "Whether an address may be mailed, with all its suppressions",
  description: "An unknown address is not suppressed.",
  request: { params },
  responses: { 200: json("The address", SuppressionStatus), ...problems(400) },
});

suppressions.get("/:address", etag());
suppressions.openapi(single, async (c) => {
  const contact = c.req.valid("param").address;
  return c.json(suppressionStatusView(contact, await getSuppressions(c.var.db, c.env.BUCKET, contact)), 200);
});

const suppressing = createRoute({
  ...needs("write"),
  method: "put",
  path: "/{address}",
  tags,
  summary: "Suppress an address by hand; repeating it changes nothing",
  request: {
    params,
    body: { required: false, content: { "application/json": { schema: Suppressing } } },
  },
  responses: { 200: json("The address as it is now", SuppressionStatus), ...problems(400, 409, 413) },
});

suppressions.openapi(suppressing, async (c) => {
  const contact = c.req.valid("param").address;
  const { note = null, scope = "" } = c.req.valid("json");
  await joinSpellings(c.env, contact);
  const suppressed = await suppressByHand(c.env, contact, { scope, note, by: c.var.token.name });
  if (!suppressed.ok)
    throw new ProblemError(409, "It is suppressed by hand already, with another note; lift that first.");
  return c.json(suppressionStatusView(contact, suppressed.value), 200);
});

const lifting = createRoute({
  ...needs("write"),
  method: "delete",
  path: "/{address}",
  tags,
  summary: "Lift suppressions in force: all, or those of one reason or scope",
  description:
    "Ends suppressions whose evidence happened until now, even if it is reported later. Evidence that happens afterwards " +
    "suppresses the address again. Held suppressions stay: see `release` and `drop`.",
  request: { params, query: LiftQuery },
  responses: { 200: json("The address as it is now", SuppressionStatus), ...problems(400, 404) },
});

suppressions.openapi(lifting, async (c) => {
  const contact = c.req.valid("param").address;
  const { reason = null, scope = null, note = null } = c.req.valid("query");
  await joinSpellings(c.env, contact);
  const lifted = await liftSuppressions(c.env, contact, { reason, scope, note, by: c.var.token.name });
  if (!lifted.ok) throw new ProblemError(404, "There is nothing of this kind in force for this address.");
  return c.json(suppressionStatusView(contact, lifted.value), 200);
});

const Checked = z
  .object({
    address: z
      .string()
      .describe("As passed in the request")
      .meta({ examples: ["Bob@Example.com"] }),
    suppressed: z.boolean(),
    reason: suppressionReason.nullable().describe("The reason of the strongest suppression in force"),
    scope: z.string().nullable().describe("null for all mail, else the requested list"),
    since: time.nullable(),
    error: z.string().nullable().describe("Why it is no valid address, and was not looked up; else null"),
  })
  .meta({ id: "CheckedAddress" });

const checking = createRoute({
  ...needs("read"),
  method: "post",
  path: "/check",
  tags,
  summary: "May these be mailed? Up to 1,000 addresses, answered in the order of the request",
  request: { body: { required: true, content: { "application/json": { schema: Checking } } } },
  responses: {
    200: json("The addresses", z.object({ addresses: z.array(Checked) })),
    ...problems(400, 413),
  },
});

suppressions.openapi(checking, async (c) => {
  const { addresses, scope = "" } = c.req.valid("json");
  const asked = addresses.map((text) => ({ text, read: readAddress(text) }));
  const known = asked.flatMap(({ read }) => (read.ok ? read.value : []));
  const checked = await checkContacts(c.var.db, c.env.BUCKET, known, scope);
  const answer = asked.map(({ text, read }) => {
    const suppression = read.ok ? checked.get(read.value) : undefined;
    return {
      address: text,
      suppressed: suppression !== undefined,
      reason: suppression?.reason ?? null,
      scope: suppression === undefined || suppression.scope === "" ? null : suppression.scope,
      since: suppression === undefined ? null : iso(suppression.since),
      error: read.ok ? null : read.reason,
    };
  });
  return c.json({ addresses: answer }, 200);
});
