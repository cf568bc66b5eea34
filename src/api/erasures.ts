// Erasure: DELETE /v1/contacts/{address} requests one, and /v1/erasures reports their progress. All return
// receipts.

import * as z from "zod";
import { erase, settlesAt } from "../erasure/erase.ts";
import { takeOverOf } from "../contact/import.ts";
import { joinSpellings } from "../history/respell.ts";
import { SUPPRESSION_REASONS } from "../model/suppression/policy.ts";
import { mentions } from "../model/address-search.ts";
import { getErasure, type Erasure } from "../store/erasure/erasures.ts";
import { json, needs, pageOf, problems } from "./kit/responses.ts";
import { address, idCursor, limit } from "./kit/parameters.ts";
import { ProblemError, wrongParameter } from "./kit/problem.ts";
import { createRoute, router } from "./kit/routes.ts";
import { time } from "./schemas.ts";
import { iso, isoOrNull } from "./views.ts";
import { storeOf } from "../store/db.ts";
import { addUp } from "../store/erasure/parts.ts";
import { shardsOf } from "../store/shards.ts";
import { latestFirst } from "../store/erasure/receipts.ts";
import { DAY } from "../lib/time.ts";

const tags = ["Contacts"];

/**
 * Days for which the platform can still restore deleted data: D1 Time Travel (paid plan,
 * https://developers.cloudflare.com/d1/reference/time-travel/) and the Durable Objects' own
 * (https://developers.cloudflare.com/durable-objects/api/sqlite-storage-api/#pitr-point-in-time-recovery-api). R2 has
 * none.
 */
const RESTORABLE_DAYS = 30;

const count = z.int().min(0);
const Receipt = z
  .object({
    id: z.string(),
    status: z
      .enum(["running", "done"])
      .describe(
        "`done`: the address is found nowhere any more, except in what `removed.archive.unreadable` lists, and this receipt does not contain it either",
      ),
    note: z.string().nullable(),
    asked_at: time,
    asked_by: z.string().describe("The name of the token that requested it"),
    erased_at: time
      .nullable()
      .describe(
        "Everything received until then is erased; what arrives later is kept. Null until the erasure begins",
      ),
    settles_at: time
      .nullable()
      .describe(
        "When nothing that began before `erased_at` can still be running, so that the second pass may begin; null once done",
      ),
    finished_at: time.nullable(),
    removed: z.object({
      events: count,
      messages: count,
      contacts: count,
      suppressions: count,
      claims: count.describe("Claims of reports that the contact's object held"),
      dead_letters: count,
      mentions: count.describe(
        "Rows of others in which the address was replaced: events, dead letters, logs, notes of suppressions",
      ),
      names: count.describe(
        "Campaigns and tags with the address in their names, which have another name in the counters now",
      ),
      archive: z
        .object({
          objects_looked_at: count,
          objects_rewritten: count,
          elements: count.describe("Raw reports removed"),
          objects_unreadable: count.describe(
            "Objects that could not be read or written, whenever it was tried, and were passed over",
          ),
          unreadable: z.array(z.string()).describe("Their keys in the bucket, at most 100"),
        })
        .describe(
          "Objects of the archive and of the dead letters. Work that is repeated, as after a crash, may count once or twice",
        ),
    }),
    kept: z
      .object({ hash: z.string(), reason: z.enum(SUPPRESSION_REASONS), since: time })
      .nullable()
      .describe("The suppression that still applies, stored under a keyed hash of the address"),
    copies_until: time
      .nullable()
      .describe("Until when the platform's own point-in-time copies may contain the deleted data"),
  })
  .meta({ id: "Erasure" });

function shape(erasure: Erasure): z.output<typeof Receipt> {
  const { id, note, asked_by, events, messages, contacts, suppressions, claims, dead_letters } = erasure;
  const { looked_at, rewritten, elements, hash, kept_reason, kept_since, finished_at } = erasure;
  const { mentions: rows, names, unreadable, unreadable_keys } = erasure;
  return {
    id,
    status: finished_at === null ? "running" : "done",
    note,
    asked_at: iso(erasure.asked_at),
    asked_by,
    erased_at: isoOrNull(erasure.erased_at),
    settles_at: finished_at === null ? isoOrNull(settlesAt(erasure)) : null,
    finished_at: isoOrNull(finished_at),
    removed: {
      events,
      messages,
      contacts,
      suppressions,
      claims,
      dead_letters,
      mentions: rows,
      names,
      archive: {
        objects_looked_at: looked_at,
        objects_rewritten: rewritten,
        elements,
        objects_unreadable: unreadable,
        unreadable: JSON.parse(unreadable_keys) as string[],
      },
    },
    kept:
      kept_reason === null || hash === null
        ? null
        : { hash, reason: kept_reason, since: iso(kept_since ?? erasure.asked_at) },
    copies_until: finished_at === null ? null : iso(finished_at + RESTORABLE_DAYS * DAY),
  };
}

const MOST_NOTE = 500;

/** The route of erasure, mounted on /v1/contacts. */
export const erasing = router();

const erasingOne = createRoute({
  ...needs("admin"),
  method: "delete",
  path: "/{address}",
  tags,
  summary: "Erase a contact, known or not",
  description:
    "Deletes the contact's rows at once. This request and the scheduled runs remove the address from the rows of others and rewrite the archive, and a second pass about " +
    "twenty minutes later catches deliveries that were in flight. Repeating the request while it is running resumes it; once " +
    "it is done, it starts a new one for what arrived since. A suppression in force outlives the contact as a keyed hash.",
  request: {
    params: z.object({ address }),
    query: z.strictObject({
      note: z
        .string()
        .trim()
        .min(1, "must not be empty")
        .max(MOST_NOTE, `must be at most ${MOST_NOTE} characters`)
        .optional()
        .meta({ description: "Your own reference, without the address", examples: ["ticket 4711"] }),
    }),
  },
  responses: {
    202: json("The erasure is under way; GET /v1/erasures/{id} reports its progress", Receipt),
    ...problems(400),
  },
});

erasing.openapi(erasingOne, async (c) => {
  const contact = c.req.valid("param").address;
  const { note = null } = c.req.valid("query");
  if (note !== null && mentions(note, contact)) {
    const reason = "must not hold the address, for it outlives it";
    throw wrongParameter("note", reason);
  }
  await joinSpellings(c.env, contact);
  await takeOverOf(c.env, [contact]); // so that the object knows all that was in force
  const erasure = await erase(c.env, contact, { note, by: c.var.token.name }, Date.now());
  return c.json(shape(erasure), 202);
});

/** The routes of /v1/erasures. */
export const erasures = router();

const listing = createRoute({
  ...needs("admin"),
  method: "get",
  path: "/",
  tags,
  summary: "The receipts of all erasures, the latest first",
  description:
    "A receipt of an erasure that is done holds no address. To find one again, give a `note` with each request.",
  request: { query: z.strictObject({ after: idCursor.optional(), limit }) },
  responses: { 200: json("The receipts", pageOf("erasures", Receipt)), ...problems(400) },
});

erasures.openapi(listing, async (c) => {
  const { after, limit: most = 100 } = c.req.valid("query");
  const page = await latestFirst(c.var.db, "erasures", { before: after, limit: most });
  const sums = await addUp(c.var.shards, page.items);
  return c.json({ erasures: sums.map(shape), next: page.next }, 200);
});

const single = createRoute({
  ...needs("admin"),
  method: "get",
  path: "/{id}",
  tags,
  summary: "The receipt of an erasure, with its progress",
  request: { params: z.object({ id: z.string() }) },
  responses: { 200: json("The receipt", Receipt), ...problems(404) },
});

erasures.openapi(single, async (c) => {
  const erasure = await getErasure(storeOf(c.env), c.req.valid("param").id);
  const [sum] = erasure === null ? [] : await addUp(shardsOf(c.env), [erasure]);
  if (sum === undefined) throw new ProblemError(404, "There is no erasure with this id.");
  return c.json(shape(sum), 200);
});
