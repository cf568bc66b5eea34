// The parameters and answers about the recipients of a campaign, which /v1/contacts and /v1/messages share.

import * as z from "zod";
import type { RecipientPlace } from "../store/across/recipients.ts";
import { DEEDS, type Recipient } from "../store/events/recipients.ts";
import { decodeCursor, encodeCursor } from "./kit/cursor.ts";
import { time } from "./schemas.ts";
import { iso } from "./views.ts";

const yesNo = z
  .enum(["true", "false"], 'must be "true" or "false"')
  .transform((text) => text === "true")
  .optional();

const ABOUT: Readonly<Record<(typeof DEEDS)[number], string>> = {
  delivered: "Whether a delivery was reported",
  opened: "Whether an open was reported, be it a machine's",
  opened_human: "The same without opens that the provider ascribes to a machine",
  clicked: "Whether a click was reported, be it a machine's",
  clicked_human: "The same without clicks that the provider ascribes to a machine",
  bounced: "Whether a bounce was reported, hard or soft",
  blocked: "Whether the mail was blocked",
  complained: "Whether a complaint was reported",
  unsubscribed: "Whether an unsubscribe was reported",
};

/** `opened=false` and so on: what must be so, or must not, of a recipient. */
export const deedFilters = {
  ...(Object.fromEntries(
    DEEDS.map((name) => [name, yesNo.meta({ type: "boolean", description: ABOUT[name] })]),
  ) as Record<(typeof DEEDS)[number], typeof yesNo>),
  suppressed: yesNo.meta({
    type: "boolean",
    description: "Whether a suppression of all mail to the address is in force now",
  }),
};

/** The names of these filters. */
export const DEED_NAMES = [...DEEDS, "suppressed"] as const;

/** The fields of a recipient that tell what it did. */
export const deedFields = Object.fromEntries(
  DEEDS.map((name) => [name, z.boolean().describe(ABOUT[name])]),
) as Record<(typeof DEEDS)[number], z.ZodBoolean>;

/** A contact of a campaign. */
export const CampaignContact = z
  .object({
    contact: z.string().meta({ examples: ["ann@example.com"] }),
    ...deedFields,
    suppressed: z.boolean().describe("Whether a suppression of all mail to the address is in force now"),
    events: z.int().describe("How many events of the campaign it has"),
    first_seen: time,
    last_seen: time,
  })
  .meta({ id: "CampaignContact" });

/** A recipient as /v1/contacts tells it. */
export function campaignContactView({ message_id: _, first_at, last_at, ...recipient }: Recipient) {
  return { ...recipient, first_seen: iso(first_at), last_seen: iso(last_at) };
}

const Cursor = z.union([
  z.tuple([z.literal("recipients"), z.int(), z.int()]),
  z.tuple([z.literal("recipients"), z.int(), z.int(), z.int().min(1)]),
]);

/** A place in a list of recipients as callers get it. That of the first database is as it was before there were several. */
export function recipientCursorOf({ shard, after }: RecipientPlace): string {
  const place = ["recipients", ...(after ?? BEGINNING)];
  return encodeCursor(shard === 0 ? place : [...place, shard]);
}

/** No list ends before the first event. */
const BEGINNING = [0, 0];

/** Reads a cursor that {@link recipientCursorOf} made; null if the text is none. */
export function readRecipientCursor(text: string): RecipientPlace | null {
  const place = decodeCursor(Cursor, text);
  if (place === null) return null;
  const [, after, end, shard = 0] = place;
  return { shard, after: shard > 0 && end === 0 ? null : [after, end] };
}

/** How lists of recipients page, for the descriptions of routes. */
export const PAGING =
  "In the order in which their first event was stored, with several databases one database after the other. A page reads about 200,000 rows at most, and may be shorter than " +
  "`limit`, or empty: continue until `next` is null. Of an address, the first 10,000 events of the campaign's days count. " +
  "Events that retention has removed are not seen.";
