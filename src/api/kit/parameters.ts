// What callers of /v1 may pass. Each parameter is checked and named where it is wrong; unknown ones are wrong too, because
// a misspelt filter that is ignored gives a wrong answer.

import * as z from "zod";
import { normalizeAddress } from "../../model/address.ts";
import { EVENT_TYPES } from "../../model/event.ts";
import { EVENT_ID_LENGTH } from "../../model/event-id.ts";
import { decodePosition } from "../../store/feed-position.ts";

export const limit = z
  .string()
  .regex(/^\d{1,4}$/, "must be a whole number from 1 to 1000")
  .transform(Number)
  .refine((n) => n >= 1 && n <= 1000, "must be a whole number from 1 to 1000")
  .optional()
  .meta({ type: "integer", minimum: 1, maximum: 1000, description: "Default of JSON: 100" });

export const instant = z.iso
  .datetime({ offset: true, local: true, error: "must be an ISO 8601 time such as 2026-11-21T09:30:00Z" })
  .meta({ format: "date-time", examples: ["2026-11-21T09:30:00Z"] })
  .or(z.iso.date("must be an ISO 8601 time such as 2026-11-21T09:30:00Z"))
  .transform((text) =>
    Date.parse(/(z|[+-]\d\d:\d\d)$/i.test(text) || !text.includes("T") ? text : `${text}Z`),
  );

export const address = z
  .string()
  .meta({ examples: ["ann@example.com"] })
  .transform((text, context) => {
    // In a query an unescaped plus sign reads as a space, which no address holds.
    const contact = normalizeAddress(text.trim().replaceAll(" ", "+"));
    if (contact !== null) return contact;
    context.addIssue({ code: "custom", message: "must be an email address" });
    return z.NEVER;
  });

/** A cursor of the feed of events: opaque text, or the bare number that cursors once were. */
export const feedCursor = z.string().transform((text, context) => {
  const position = decodePosition(text);
  if (position !== null) return position;
  context.addIssue({ code: "custom", message: "is not a cursor; pass what `next` held" });
  return z.NEVER;
});

export const word = z.string().min(1, "must not be empty").max(512, "is too long");

export const EventsQuery = z.strictObject({
  after: feedCursor.optional(),
  limit,
  order: z.enum(["asc", "desc"], 'must be "asc" or "desc"').default("asc"),
  contact: address.optional(),
  type: z.enum(EVENT_TYPES, `must be one of ${EVENT_TYPES.join(", ")}`).optional(),
  source: word.optional(),
  message_id: word.optional(),
  since: instant.optional(),
  until: instant.optional(),
});

const MESSAGES = "pass custom_id, or contact and campaign";
export const MessagesQuery = z
  .strictObject({ custom_id: word.optional(), contact: address.optional(), campaign: word.optional() })
  .transform(({ custom_id, contact, campaign }, context) => {
    if (custom_id !== undefined && contact === undefined && campaign === undefined) return { custom_id };
    if (custom_id === undefined && contact !== undefined && campaign !== undefined)
      return { contact, campaign };
    context.addIssue({
      code: "custom",
      message: MESSAGES,
      path: [custom_id === undefined ? "custom_id" : "contact"],
    });
    return z.NEVER;
  });

export const TimelineQuery = z.strictObject({
  after: z
    .string()
    .regex(new RegExp(`^[0-9a-z]{${EVENT_ID_LENGTH}}$`), "is not a cursor; pass what `next` held")
    .optional(),
  limit,
});

export const DeadLettersQuery = z.strictObject({
  after: z
    .string()
    .regex(/^[\w.-]{1,100}$/, "is not a cursor; pass what `next` held")
    .optional(),
  limit,
  source: word.optional(),
});
