// The parameters of /v1. Each is checked, and the answer names those that are wrong. Unknown parameters are wrong too,
// because ignoring a misspelt filter would give a wrong answer.

import * as z from "zod";
import { readAddress } from "../../model/address.ts";
import { EVENT_TYPES, REASONS } from "../../model/event.ts";
import { EVENT_ID_LENGTH } from "../../model/event-id.ts";
import { MINUTE } from "../../lib/time.ts";
import { decodePosition } from "../../store/feed-position.ts";
import { readTime } from "./instant.ts";
import { several, severalNames, severalOf } from "./several.ts";

/** Most items of an answer. */
export const limit = z
  .string()
  .regex(/^\d{1,4}$/, "must be a whole number from 1 to 1000")
  .transform(Number)
  .refine((n) => n >= 1 && n <= 1000, "must be a whole number from 1 to 1000")
  .optional()
  .meta({ type: "integer", minimum: 1, maximum: 1000, description: "Default of JSON: 100" });

/** Of lists that come as CSV. Without the mark Excel takes UTF-8 for another encoding. */
export const bom = z
  .literal("true", 'must be "true"')
  .optional()
  .meta({ description: "Of CSV: begin with a byte order mark, which Excel needs to read UTF-8" });
/** A time as it was written, with the form that is wanted in the reason. */
export const writtenTime = z
  .string("must be an ISO 8601 time such as 2026-11-21T09:30:00Z")
  .transform((text, context) => {
    const read = readTime(text);
    if (read.ok) return read.value;
    context.addIssue({ code: "custom", message: read.reason });
    return z.NEVER;
  })
  .meta({ format: "date-time", examples: ["2026-11-21T09:30:00Z"] });

/** A time, in UTC unless it has an offset; a date alone is its midnight. Gives ms. */
export const instant = writtenTime
  .transform(({ local, offset }) => local - (offset ?? 0) * MINUTE)
  .meta({ format: "date-time", examples: ["2026-11-21T09:30:00Z"] });

const addressBy = (read: (text: string) => string) =>
  z
    .string()
    .meta({ examples: ["ann@example.com"] })
    .transform((text, context) => {
      const contact = readAddress(read(text));
      if (contact.ok) return contact.value;
      context.addIssue({ code: "custom", message: `must be one email address; this ${contact.reason}` });
      return z.NEVER;
    });

/** An email address of a path or a body, in any of its spellings. Gives it normalised. */
export const address = addressBy((text) => text);

/** An email address of a query, where a plus sign that nobody escaped arrives as a space, which no address contains. */
export const queryAddress = addressBy((text) => text.trim().replaceAll(" ", "+"));

/** A cursor of the feed of events: opaque text, or the bare number of older versions. Gives a position. */
export const feedCursor = z.string().transform((text, context) => {
  const position = decodePosition(text);
  if (position !== null) return position;
  context.addIssue({ code: "custom", message: "is not a cursor; pass what `next` or `resume` held" });
  return z.NEVER;
});

/** A cursor that is a time id: of lists whose latest items come first. */
export const idCursor = z.string().regex(/^[0-9a-z]{26}$/, "is not a cursor; pass what `next` held");

/** A name or id of bounded length. */
export const word = z.string("must be a text").min(1, "must not be empty").max(512);

/** A domain of addresses, in any spelling. */
export const domain = z
  .string()
  .trim()
  .transform((text, context) => {
    const read = readAddress(`x@${text.replace(/^@/, "")}`);
    if (read.ok && read.value.startsWith("x@")) return read.value.slice(2);
    context.addIssue({ code: "custom", message: "must be a domain such as example.com" });
    return z.NEVER;
  });

/** The filters by what events are about, which lists and figures share. */
export const eventFilters = {
  type: several(EVENT_TYPES),
  source: severalOf(word, { description: "Names of sources." }),
  campaign: severalNames(word, { description: "Campaigns." }),
};

/** Of GET /v1/events. */
export const EventsQuery = z.strictObject({
  after: feedCursor.optional(),
  limit,
  bom,
  order: z.enum(["asc", "desc"], 'must be "asc" or "desc"').default("asc"),
  contact: severalOf(queryAddress, { examples: ["ann@example.com"] }),
  domain: severalOf(domain, {
    description: "The part of the address behind the @.",
    examples: ["example.com"],
  }),
  ...eventFilters,
  provider: severalOf(word, { examples: ["mailjet"] }),
  destination: severalOf(word, { description: "Mailbox providers.", examples: ["gmail"] }),
  bounce: several(["hard", "soft"]),
  reason: several(REASONS),
  message_id: word.optional(),
  since: instant.optional().meta({ description: "When it happened, by the provider; inclusive" }),
  until: instant.optional().meta({ description: "Exclusive" }),
});

/** Of GET /v1/contacts/{address}/timeline. */
export const TimelineQuery = z.strictObject({
  after: z
    .string()
    .regex(new RegExp(`^[0-9a-z]{${EVENT_ID_LENGTH}}$`), "is not a cursor; pass what `next` held")
    .optional(),
  limit,
  bom,
});

/** Of GET /v1/dead-letters. */
export const DeadLettersQuery = z.strictObject({
  after: z
    .string()
    .regex(/^[\w.-]{1,100}$/, "is not a cursor; pass what `next` held")
    .optional(),
  limit,
  bom,
  source: severalOf(word),
});
