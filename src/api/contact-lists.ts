// /v1/contacts: the contacts of a campaign by what they did or did not, and those whose state changed.

import * as z from "zod";
import { listChangesAcross, type ChangePlaces } from "../store/across/changes.ts";
import { listRecipientsAcross, type RecipientPlace } from "../store/across/recipients.ts";
import type { ChangedContact as ChangedRow } from "../store/suppressions/changes.ts";
import { lastErasure } from "../store/erasure/gone.ts";
import { changeCursorOf, changedAfter, lastErasedAt, readChangeCursor } from "./kit/changes.ts";
import { needs, pageOf, problems } from "./kit/responses.ts";
import { answerList, listOf } from "./kit/lists.ts";
import { domain, limit, word } from "./kit/parameters.ts";
import { refuse } from "./kit/refuse.ts";
import { createRoute, router } from "./kit/routes.ts";
import { severalNames, severalOf } from "./kit/several.ts";
import {
  CampaignContact,
  campaignContactView,
  DEED_NAMES,
  deedFilters,
  PAGING,
  readRecipientCursor,
  recipientCursorOf,
} from "./recipients.ts";
import { suppressionReason, time } from "./schemas.ts";
import { iso, isoOrNull } from "./views.ts";

const tags = ["Contacts"];

/** The lists of /v1/contacts. */
export const contactLists = router();

const ContactsQuery = z
  .strictObject({
    campaign: severalNames(word, { description: "The contacts that have events of these campaigns." }),
    ...deedFilters,
    domain: severalOf(domain, { examples: ["example.com"] }),
    changed_after: changedAfter.optional(),
    after: z.string().optional(),
    limit,
  })
  .transform(
    ({ campaign, changed_after: changed, after, limit: most, domain: domains, ...wanted }, context) => {
      const shared = { limit: most, domain: domains };
      if ((campaign === undefined) === (changed === undefined))
        return refuse(context, "campaign", "pass campaign, or changed_after");
      if (changed !== undefined) {
        const others = DEED_NAMES.filter((name) => wanted[name] !== undefined && name !== "suppressed");
        if (others.length > 0)
          return refuse(context, others[0] ?? "", "is told of a campaign's contacts only; pass campaign");
        const place = after === undefined ? changed : readChangeCursor(after);
        if (place === null) return refuse(context, "after", NO_CURSOR);
        return { ...shared, suppressed: wanted.suppressed, changed: place };
      }
      const place = after === undefined ? undefined : readRecipientCursor(after);
      return place === null
        ? refuse(context, "after", NO_CURSOR)
        : { ...shared, campaign: campaign ?? [], wanted, after: place };
    },
  );
const NO_CURSOR = "is not a cursor of this list; pass what `next` held, and the other parameters as before";

const ChangedContact = z
  .object({
    contact: z.string().meta({ examples: ["ann@example.com"] }),
    suppressed: z.boolean().describe("Whether a suppression of all mail to the address is in force now"),
    reason: suppressionReason.nullable().describe("The strongest reason in force; null if it may be mailed"),
    since: time.nullable().describe("When the evidence of that happened"),
    changed_at: time
      .nullable()
      .describe("When this state was stored; null if that was before this was noted"),
  })
  .meta({ id: "ChangedContact" });

const listing = createRoute({
  ...needs("read"),
  method: "get",
  path: "/",
  tags,
  summary: "The contacts of a campaign and what each did, or those whose state changed",
  description:
    "With `campaign`: who got it, opened it, clicked it, or did not, for example `campaign=spring&delivered=true&opened=false`. " +
    `${PAGING} With \`changed_after\`: the contacts whose suppressions changed since, each once with its state of now, in ` +
    "the order of storage; keep `resume` for the next time. JSON comes in pages; CSV and NDJSON are whole.",
  request: { query: ContactsQuery },
  responses: {
    200: listOf(
      "The contacts",
      z.union([
        pageOf("contacts", CampaignContact),
        pageOf("contacts", ChangedContact).extend({
          resume: z.string().describe("Pass it as `changed_after`"),
          last_erased_at: lastErasedAt,
        }),
      ]),
    ),
    ...problems(400),
  },
});

contactLists.openapi(listing, async (c) => {
  const asked = c.req.valid("query");
  if ("changed" in asked) {
    const page = async (from: ChangePlaces | undefined, size: number) => {
      const changes = await listChangesAcross(c.var.shards, from ?? asked.changed, asked, size);
      return { ...changes, items: changes.items.map(changedContactView) };
    };
    const list = { item: ChangedContact, after: asked.changed, limit: asked.limit, page };
    return await answerList(c, list, async ({ items, next, resume }) =>
      c.json(
        {
          contacts: items,
          next: next === null ? null : changeCursorOf(next),
          resume: changeCursorOf(resume),
          last_erased_at: isoOrNull(await lastErasure(c.var.db, Date.now())),
        },
        200,
      ),
    );
  }
  const page = async (from: RecipientPlace | undefined, size: number) => {
    const found = await listRecipientsAcross(c.var.shards, { ...asked, byMessage: false }, from, size);
    return { items: found.items.map(campaignContactView), next: found.next };
  };
  const list = { item: CampaignContact, after: asked.after, limit: asked.limit, page };
  return await answerList(c, list, ({ items, next }) =>
    c.json({ contacts: items, next: next === null ? null : recipientCursorOf(next) }, 200),
  );
});

const changedContactView = ({ contact, changed, suppressed, since }: ChangedRow) => ({
  contact,
  suppressed: suppressed !== null,
  reason: suppressed,
  since: isoOrNull(since),
  changed_at: changed === 0 ? null : iso(changed),
});
