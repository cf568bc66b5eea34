// /v1/suppressions/lift, /release, /drop and /undo: decisions about one address or about many, step by step, first as a
// dry run if wanted. Release and drop are about suppressions that are held because a destination refused most mails.

import * as z from "zod";
import { json, needs, problems } from "../kit/responses.ts";
import { decideAbout, decideInBulk, MOST_DECIDED, listedBy, undoInBulk } from "../../contact/bulk.ts";
import type { BulkOrder } from "../../contact/bulk.ts";
import { newCommandId } from "../../contact/send-commands.ts";
import { joinSpellings } from "../../history/respell.ts";
import { storeOf } from "../../store/db.ts";
import { liftErased } from "../../store/erasure/erased.ts";
import { readBulkDecision, UNDONE_WITHIN } from "../../store/suppressions/bulk.ts";
import { countSuppressedAcross } from "../../store/across/suppressions.ts";
import type { SuppressionCursor } from "../../store/suppressions/list.ts";
import { isWholeDomain } from "../../model/whole-domain.ts";
import { decodeCursor, encodeCursor } from "../kit/cursor.ts";
import { domain, instant, word } from "../kit/parameters.ts";
import { ProblemError, wrongParameter } from "../kit/problem.ts";
import { createRoute, router } from "../kit/routes.ts";
import { addressOrDomain, note, reason, scope } from "./parameters.ts";
import { LIFTED_HERE_ONLY } from "./notice.ts";

const filter = {
  destination: word.optional().meta({ examples: ["microsoft"] }),
  domain: domain.optional(),
  reason: reason.optional(),
  scope: scope.optional(),
  source: word.optional(),
  import: word.optional().describe("What the import with this id entered"),
  since: instant.optional().meta({ description: "Evidence from this time on" }),
  until: instant.optional().meta({ description: "Evidence before this time" }),
};

const Chosen = z.strictObject({
  address: addressOrDomain
    .optional()
    .describe("One address or whole domain, with no other choice but `reason`"),
  ...filter,
  note: note.optional(),
  dry_run: z
    .boolean("must be true or false")
    .optional()
    .describe("Change nothing, but tell how many contacts there are, and the first of them"),
  after: z.string().optional().describe("The `next` of the previous answer"),
});

const Step = z.tuple([z.string(), z.tuple([z.int(), z.string(), z.string(), z.string(), z.string()])]);

const Done = z.object({
  id: z.string().nullable().describe("Pass it to `undo` to take the decision back; null for a dry run"),
  contacts: z.int().describe("How many contacts this request changed, or would change"),
  addresses: z.array(z.string()).nullable().describe("Of a dry run the first 100, else null"),
  more: z.boolean().describe("Whether there may be more; then pass `next` as `after`"),
  next: z.string().nullable(),
  notice: z.string().optional().describe("What a lift does not do"),
});

/** The routes of lift, release, drop and undo. */
export const bulkDecisions = router();

const routes = [
  {
    kind: "lift",
    summary: "Lift the suppressions in force of one address, or of all that a filter finds",
    statuses: "in force",
  },
  {
    kind: "release",
    summary: "Bring held suppressions into force, of one address or of all that a filter finds",
    statuses: "held",
  },
  {
    kind: "drop",
    summary: "Discard held suppressions: the storm's bounces do not count, for one address or a filter",
    statuses: "held",
  },
] as const;

/** How many addresses a dry run names. */
const MOST_NAMED = 100;

for (const { kind, summary, statuses } of routes) {
  const route = createRoute({
    ...needs("write"),
    method: "post",
    path: `/${kind}`,
    tags: ["Suppressions"],
    summary,
    description:
      `About suppressions that are ${statuses}. Pass \`address\`, or at least one of \`destination\`, \`domain\`, ` +
      "`reason`, `scope`, `source`, `import`, `since` and `until`; several must all hold. With `since`, `until`, " +
      "`source` or `import` it is about that evidence only, and what a contact did otherwise still counts. " +
      `A request covers up to ${MOST_DECIDED} contacts: while \`next\` is not null, repeat it with \`after\`. ` +
      "A repeated request changes nothing more. `undo` takes all its steps back.",
    request: { body: { required: true, content: { "application/json": { schema: Chosen } } } },
    responses: { 200: json("The result", Done), ...problems(400, 404, 409, 413) },
  });
  bulkDecisions.openapi(route, async (c) => {
    const {
      address: contact,
      note: words = null,
      dry_run: isDry = false,
      after,
      ...chosen
    } = c.req.valid("json");
    const order: BulkOrder = {
      id: newCommandId(),
      kind,
      by: c.var.token.name,
      note: words,
      at: Date.now(),
      filter: chosen,
    };
    const notice = kind === "lift" && !isDry ? { notice: LIFTED_HERE_ONLY } : {};
    if (contact !== undefined) {
      const { reason: only, scope: list, ...others } = chosen;
      if (isDry || after !== undefined || Object.keys(others).length > 0) throw eitherOr();
      if (!isWholeDomain(contact)) await joinSpellings(c.env, contact);
      const changed = await decideAbout(c.env, order, [contact]);
      const ofAllMail = list === undefined || list === "";
      const outlived =
        kind === "lift" && ofAllMail && (await liftErased(storeOf(c.env), c.env.BUCKET, contact, only));
      if (changed === 0 && !outlived) throw nothingFor(kind);
      const id = changed === 0 ? null : order.id;
      return c.json({ id, contacts: 1, addresses: null, more: false, next: null, ...notice }, 200);
    }
    if (Object.keys(chosen).length === 0) throw eitherOr();
    if (isDry) {
      const found = listedBy(chosen, kind);
      const { count, contacts, more } = await countSuppressedAcross(c.var.shards, found, MOST_NAMED);
      return c.json({ id: null, contacts: count, addresses: contacts, more, next: null }, 200);
    }
    const step = after === undefined ? null : await continued(c.env, order, after);
    const id = step?.id ?? order.id;
    const { contacts, next } = await decideInBulk(c.env, { ...order, id }, step?.place);
    const to = next === null ? null : encodeCursor([id, next]);
    return c.json({ id, contacts, addresses: null, more: to !== null, next: to, ...notice }, 200);
  });
}

/** Where a further step begins. Refuses to continue what is another decision, or was taken back. */
async function continued(
  env: Env,
  order: BulkOrder,
  after: string,
): Promise<{ id: string; place: SuppressionCursor }> {
  const read = decodeCursor(Step, after);
  const known = read === null ? null : await readBulkDecision(storeOf(env), read[0]);
  if (read === null) throw wrongParameter("after", "is not a cursor; pass what `next` held");
  const [id, place] = read;
  if (known !== null && known.undone_at !== null)
    throw new ProblemError(409, "This decision was taken back; make a new one without `after`.");
  if (known !== null && (known.kind !== order.kind || known.filter !== JSON.stringify(order.filter)))
    throw wrongParameter("after", "belongs to a request with another filter");
  return { id, place };
}

const Undoing = z.strictObject({
  id: word.describe("The `id` of the answer to lift, release or drop"),
  after: z.string().max(1_000, "is too long").optional().describe("The `next` of the previous answer"),
});

const Undone = z.object({
  id: z.string(),
  contacts: z.int().describe("How many contacts this request changed"),
  more: z.boolean().describe("Whether there are more; then pass `next` as `after`"),
  next: z.string().nullable(),
});

const undoing = createRoute({
  ...needs("write"),
  method: "post",
  path: "/undo",
  tags: ["Suppressions"],
  summary: "Take a lift, release or drop back, as if it had never been made",
  description:
    `A request covers up to ${MOST_DECIDED} contacts: while \`next\` is not null, repeat it with \`after\`. What ` +
    "happened to a contact since then stays.",
  request: { body: { required: true, content: { "application/json": { schema: Undoing } } } },
  responses: { 200: json("The result", Undone), ...problems(400, 404, 413) },
});

bulkDecisions.openapi(undoing, async (c) => {
  const { id, after } = c.req.valid("json");
  const place = after === undefined ? "" : decodeCursor(z.string(), after);
  if (place === null) throw wrongParameter("after", "is not a cursor; pass what `next` held");
  const decision = await readBulkDecision(storeOf(c.env), id);
  if (decision === null) throw new ProblemError(404, "There is no lift, release or drop with this id.");
  if (decision.at < Date.now() - UNDONE_WITHIN)
    throw new ProblemError(409, "This decision is more than 30 days old and cannot be taken back any more.");
  const { contacts, next } = await undoInBulk(c.env, { id, by: c.var.token.name, after: place });
  const to = next === null ? null : encodeCursor(next);
  return c.json({ id, contacts, more: to !== null, next: to }, 200);
});

function eitherOr(): ProblemError {
  const names = Object.keys(filter).join(", ");
  return wrongParameter(
    "address",
    `pass address (with reason and scope if wanted), or one or more of ${names}`,
  );
}

function nothingFor(kind: BulkOrder["kind"]): ProblemError {
  const what = kind === "lift" ? "Nothing of this kind is in force" : "Nothing is held";
  return new ProblemError(404, `${what} for this address.`);
}
