// /v1/suppressions: lists suppressions with their reasons, suppresses and lifts by hand, and answers "may I mail
// these?" in one round trip.

import * as z from "zod";
import { etag } from "hono/etag";
import { readAddress } from "../../model/address.ts";
import { isWholeDomain, sharedBy, wholeDomainOf } from "../../model/whole-domain.ts";
import { listChangedSuppressionsAcross, type ChangePlaces } from "../../store/across/changes.ts";
import { changeCursorOf, lastErasedAt } from "../kit/changes.ts";
import { lastErasure } from "../../store/erasure/gone.ts";
import { listSuppressionsAcross } from "../../store/across/suppressions.ts";
import type { SuppressionCursor } from "../../store/suppressions/list.ts";
import { checkAcross, getSuppressions } from "../../store/across/check.ts";
import { shardsOf } from "../../store/shards.ts";
import { json, needs, pageOf, problems } from "../kit/responses.ts";
import { answerList, listOf } from "../kit/lists.ts";
import { liftSuppressions, suppressByHand } from "../../contact/suppress.ts";
import { joinSpellings } from "../../history/respell.ts";
import { ProblemError } from "../kit/problem.ts";
import { createRoute, router } from "../kit/routes.ts";
import { ListedSuppression, suppressionReason, SuppressionStatus, time } from "../schemas.ts";
import {
  changedSuppressionViews,
  listedSuppressionView,
  suppressionStatusView,
  iso,
  isoOrNull,
} from "../views.ts";
import { encodeCursor } from "../kit/cursor.ts";
import {
  addressOrDomain,
  Checking,
  CheckingQuery,
  LiftQuery,
  Suppressing,
  SuppressionsQuery,
} from "./parameters.ts";
import { LIFTED_HERE_ONLY } from "./notice.ts";

const tags = ["Suppressions"];
const params = z.object({ address: addressOrDomain });

/** The routes of /v1/suppressions, except import and decisions in bulk. */
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
    "hold of the address. Keep `resume` for the next time. An erased address is not listed, because it is stored nowhere; " +
    "`last_erased_at` tells that there was an erasure, and POST /v1/erasures/check whether one of yours is among them.",
  request: { query: SuppressionsQuery },
  responses: {
    200: listOf(
      "The suppressions",
      pageOf("suppressions", ListedSuppression).extend({
        resume: z.string().optional().describe("With `changed_after`: pass it there the next time"),
        last_erased_at: lastErasedAt.optional(),
      }),
    ),
    ...problems(400),
  },
});

suppressions.openapi(listing, async (c) => {
  const asked = c.req.valid("query");
  if (asked.changed !== undefined) {
    const page = async (from: ChangePlaces | undefined, size: number) => {
      const place = from ?? asked.changed;
      const changes = await listChangedSuppressionsAcross(c.var.shards, place, asked.filter, size);
      return { ...changes, items: changes.items.flatMap(changedSuppressionViews) };
    };
    const list = { item: ListedSuppression, after: asked.changed, limit: asked.limit, page };
    return await answerList(c, list, async ({ items, next, resume }) =>
      c.json(
        {
          suppressions: items,
          next: next === null ? null : changeCursorOf(next),
          resume: changeCursorOf(resume),
          last_erased_at: isoOrNull(await lastErasure(c.var.db, Date.now())),
        },
        200,
      ),
    );
  }
  const { after, limit, filter } = asked;
  const page = async (from: SuppressionCursor | undefined, size: number) => {
    const { items, next } = await listSuppressionsAcross(c.var.shards, filter, from, size);
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
  summary: "Whether an address or a whole domain may be mailed, with all its suppressions",
  description:
    "An unknown address is not suppressed, unless its whole domain is. The domain's own entry is `@example.com`.",
  request: { params },
  responses: { 200: json("The address", SuppressionStatus), ...problems(400) },
});

suppressions.get("/:address", etag());
suppressions.openapi(single, async (c) => {
  const contact = c.req.valid("param").address;
  return c.json(
    suppressionStatusView(contact, await getSuppressions(c.var.shards, c.env.BUCKET, contact)),
    200,
  );
});

/** The state after a command, from the database that it has just changed. */
async function statusOf(env: Env, contact: string) {
  return suppressionStatusView(contact, await getSuppressions(shardsOf(env), env.BUCKET, contact));
}

/** A domain has one spelling, under which it has always been stored. */
async function joinFormer(env: Env, contact: string): Promise<void> {
  if (!isWholeDomain(contact)) await joinSpellings(env, contact);
}

const suppressing = createRoute({
  ...needs("write"),
  method: "put",
  path: "/{address}",
  tags,
  summary: "Suppress an address or a whole domain (`@example.com`) by hand, or change such an entry",
  description:
    "Repeating it changes nothing. Another `reason`, `note` or `expires_at` takes the place of the former one without a " +
    "gap, and the history keeps both; what is left out stays as it is. A domain covers all its addresses, and none of " +
    "its sub-domains. The domain of a mailbox provider such as gmail.com needs `force`.",
  request: {
    params,
    body: { required: false, content: { "application/json": { schema: Suppressing } } },
  },
  responses: { 200: json("The address as it is now", SuppressionStatus), ...problems(400, 409, 413) },
});

suppressions.openapi(suppressing, async (c) => {
  const contact = c.req.valid("param").address;
  const { reason, note, expires_at: until, scope = "", force = false } = c.req.valid("json");
  const shared = isWholeDomain(contact) && !force ? sharedBy(contact) : null;
  if (shared !== null)
    throw new ProblemError(
      409,
      `${contact.slice(1)} is a domain of ${shared}, a mailbox provider with many customers. If you mean all of them, pass "force": true.`,
    );
  await joinFormer(c.env, contact);
  const setting = { scope, reason, note, until, by: c.var.token.name };
  await suppressByHand(c.env, contact, setting);
  return c.json(await statusOf(c.env, contact), 200);
});

const lifting = createRoute({
  ...needs("write"),
  method: "delete",
  path: "/{address}",
  tags,
  summary: "Lift suppressions in force: all, or those of one reason or scope",
  description:
    "It lifts nothing at the providers, whose own lists may still hold the address. A suppression of the whole domain is " +
    "lifted by the domain's own entry, `@example.com`. " +
    "Ends suppressions whose evidence happened until now, even if it is reported later. Evidence that happens afterwards " +
    "suppresses the address again. Held suppressions stay: see `release` and `drop`.",
  request: { params, query: LiftQuery },
  responses: { 200: json("The address as it is now", SuppressionStatus), ...problems(400, 404) },
});

suppressions.openapi(lifting, async (c) => {
  const contact = c.req.valid("param").address;
  const { reason = null, scope = null, note = null } = c.req.valid("query");
  await joinFormer(c.env, contact);
  const lifted = await liftSuppressions(c.env, contact, { reason, scope, note, by: c.var.token.name });
  if (!lifted.ok) {
    const { domain } = await statusOf(c.env, contact);
    const hint = domain === null ? "" : ` Its whole domain is suppressed: lift ${wholeDomainOf(contact)}.`;
    throw new ProblemError(404, `There is nothing of this kind in force for this address.${hint}`);
  }
  return c.json({ ...(await statusOf(c.env, contact)), notice: LIFTED_HERE_ONLY }, 200);
});

const Checked = z
  .object({
    address: z
      .string()
      .describe("As passed in the request")
      .meta({ examples: ["Bob@Example.com"] }),
    suppressed: z
      .boolean()
      .nullable()
      .describe("null only with `partial`: a database that may know of the address did not answer"),
    reason: suppressionReason.nullable().describe("The reason of the strongest suppression in force"),
    scope: z.string().nullable().describe("null for all mail, else the requested list"),
    since: time.nullable(),
    reasons: z.array(suppressionReason).describe("All reasons in force, the strongest first"),
    domain: z
      .string()
      .nullable()
      .describe("If this is a suppression of its whole domain: the domain's entry; else null")
      .meta({ examples: ["@example.com"] }),
    error: z.string().nullable().describe("Why it is no valid address, and was not looked up; else null"),
  })
  .meta({ id: "CheckedAddress" });

const checking = createRoute({
  ...needs("read", "serves"),
  method: "post",
  path: "/check",
  tags,
  summary: "May these be mailed? Up to 1,000 addresses, answered in the order of the request",
  description:
    "Whole domains count as well. With `reasons`, others do not count: a mail that a person needs may go to somebody who " +
    "unsubscribed, but not to an address that does not exist. If a database does not answer, all of the answer is 503; " +
    "with `partial=true` only the addresses of which it may know something are, as `suppressed: null`. Do not mail these " +
    "either: ask again.",
  request: {
    query: CheckingQuery,
    body: { required: true, content: { "application/json": { schema: Checking } } },
  },
  responses: {
    200: json("The addresses", z.object({ addresses: z.array(Checked) })),
    ...problems(400, 413),
  },
});

suppressions.openapi(checking, async (c) => {
  const { reasons: named, partial } = c.req.valid("query");
  const { addresses, scope = "", reasons = named } = c.req.valid("json");
  const asked = addresses.map((text) => ({ text, read: readAddress(text) }));
  const known = asked.flatMap(({ read }) => (read.ok ? read.value : []));
  const filter = { scope, reasons, partial };
  const { checked, unknown } = await checkAcross(c.var.shards, c.env.BUCKET, known, filter);
  const answer = asked.map(({ text, read }) => {
    const suppression = read.ok ? checked.get(read.value) : undefined;
    return {
      address: text,
      suppressed: read.ok && unknown.has(read.value) ? null : suppression !== undefined,
      reason: suppression?.reason ?? null,
      scope: suppression === undefined || suppression.scope === "" ? null : suppression.scope,
      since: suppression === undefined ? null : iso(suppression.since),
      reasons: suppression?.reasons ?? [],
      domain: suppression?.domain ?? null,
      error: read.ok ? null : read.reason,
    };
  });
  return c.json({ addresses: answer }, 200);
});
