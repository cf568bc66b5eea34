// The schemas of what /v1 answers. They type the handlers and make the OpenAPI document.

import * as z from "zod";
import { EVENT_FIELD_NAMES, eventField, type EventField, type ShownEvent } from "../model/event-fields.ts";
import { EVENT_TYPES } from "../model/event.ts";
import { UNKNOWN_KINDS } from "../model/unknown-word.ts";
import { SUPPRESSION_REASONS } from "../model/suppression/policy.ts";

/** ISO 8601 in UTC with milliseconds. */
export const time = z.iso.datetime().meta({ examples: ["2026-11-21T09:30:00.000Z"] });
const address = z.string().meta({ examples: ["ann@example.com"] });
/** The types of events. */
export const eventType = z.enum(EVENT_TYPES);

/** The schema of an event's field. */
function schemaOf({ holds, words, nullable, about, example }: EventField): z.ZodType {
  const held = words === undefined ? HELD[holds] : words === EVENT_TYPES ? eventType : z.enum(words);
  const schema = nullable === true ? held.nullable() : held;
  const described = about === undefined ? schema : schema.describe(about);
  return example === undefined ? described : described.meta({ examples: [example] });
}

const HELD: Record<EventField["holds"], z.ZodType> = {
  text: z.string(),
  whole: z.int(),
  time,
  flag: z.boolean(),
  texts: z.array(z.string()),
  object: z.record(z.string(), z.unknown()),
  smtp: z.object({
    code: z.int().nullable(),
    enhanced: z.string().nullable(),
    response: z.string().nullable(),
  }),
};

const eventFields = Object.fromEntries(
  EVENT_FIELD_NAMES.map((name) => [name, schemaOf(eventField(name))]),
) as {
  [Name in keyof ShownEvent]: z.ZodType<ShownEvent[Name]>;
};

/** An event. */
export const Event = z.object(eventFields).meta({ id: "Event" });

/** An event with its raw element. */
export const EventWithRaw = z
  .object({
    ...eventFields,
    raw: z.unknown().describe("The provider's own element, unchanged; null if the archive no longer has it"),
  })
  .meta({ id: "EventWithRaw" });

/** The reasons of suppressions. */
export const suppressionReason = z.enum(SUPPRESSION_REASONS);

const suppressionFields = {
  reason: suppressionReason,
  scope: z
    .string()
    .nullable()
    .describe("null for all mail, else the list or stream that it applies to")
    .meta({ examples: ["mailjet:12"] }),
  event: z.string().describe("Id of the event that is the evidence, or of the command that entered it"),
  source: z.string().describe("The source of the evidence; `api` or `import` if a person entered it"),
  since: time.describe("When the evidence happened"),
  by: z
    .string()
    .nullable()
    .describe("The name of the token that entered it; null if an event is the evidence"),
  note: z.string().nullable(),
  expires_at: time.nullable().describe("When it ends by itself; null if it does not"),
  lifted_at: time.nullable(),
  lifted_by: z
    .string()
    .nullable()
    .describe("The event that lifted it, or the name of the token; null if it ended by itself"),
  lift_note: z.string().nullable(),
  held: z.boolean().describe("Held because it rests on bounces of a storm; not in force"),
  held_because: z
    .string()
    .nullable()
    .describe("The storm; null if it is not held")
    .meta({
      examples: ["microsoft refused 72 of 90 mails (80 %) in the 15 minutes before 2026-11-21T09:30Z"],
    }),
};

/** A suppression. */
export const Suppression = z.object(suppressionFields).meta({ id: "Suppression" });

/** A suppression of the list. */
export const ListedSuppression = z
  .object({
    address,
    destination: z.string().meta({ examples: ["gmail"] }),
    suppressed: z.boolean().describe("Whether this suppression is in force: neither lifted nor held"),
    ...suppressionFields,
    reason: suppressionReason
      .nullable()
      .describe(
        "null only with `changed_after`: an address that has no suppression (which passes the filter) any more",
      ),
    event: suppressionFields.event.nullable(),
    source: suppressionFields.source.nullable(),
    since: suppressionFields.since.nullable(),
    changed_at: time
      .nullable()
      .describe("With `changed_after`: when the address's state was stored; else null"),
  })
  .meta({ id: "ListedSuppression" });

const standing = {
  suppression: Suppression.nullable().describe("The strongest suppression of all mail in force"),
  reasons: z.array(suppressionReason).describe("All reasons in force for all mail, the strongest first"),
  domain: Suppression.nullable().describe(
    "The suppression in force of its whole domain, whose own entry is `@example.com`; null if there is none",
  ),
};

/** Whether an address may be mailed. */
export const SuppressionStatus = z
  .object({
    address,
    suppressed: z.boolean().describe("Whether a suppression of all mail to this address is in force"),
    ...standing,
    history: z
      .array(Suppression)
      .describe("Its own suppressions, including lifted and held ones and those of single lists"),
    notice: z.string().optional().describe("After a lift: what it does not do"),
  })
  .meta({ id: "SuppressionStatus" });

/** A contact. */
export const Contact = z
  .object({
    contact: address,
    status: z.enum(["active", "suppressed"]),
    ...standing,
    history: z.array(Suppression).describe("All suppressions, including lifted and held ones"),
    counts: z.partialRecord(eventType, z.int()),
    first_seen: time.nullable(),
    last_seen: time.nullable(),
  })
  .meta({ id: "Contact" });

const status = {
  status: eventType.describe("The type of the event that ranks highest"),
  bounce: z.enum(["hard", "soft"]).nullable(),
};

/** A message with its events. */
export const Message = z
  .object({
    message_id: z.string().nullable(),
    contact: address.nullable(),
    custom_id: z.string().nullable(),
    source: z.string().nullable(),
    ...status,
    recipients: z.array(z.object({ contact: address, ...status })),
    events: z.array(Event),
  })
  .meta({ id: "Message" });

const letterFields = {
  id: z.string(),
  envelope: z.string(),
  element: z.int().nullable().describe("The index of the delivery's reject; null for the whole delivery"),
  source: z.string(),
  provider: z.string(),
  reason: z.string().describe("After a replay that failed: the reason of that one"),
  raw: z.string(),
  received_at: time,
  status: z
    .enum(["waiting", "replaying", "failed"])
    .describe("replaying: its delivery is on its way again; failed: the last replay failed, for `reason`"),
  replays: z.int().describe("How often it was sent through again"),
  replayed_at: time.nullable().describe("When it was last sent through again; null if never"),
  failed_at: time.nullable().describe("When a replay last failed; null if none did"),
};

/** A dead letter. */
export const DeadLetter = z.object(letterFields).meta({ id: "DeadLetter" });

/** A dead letter with its delivery. */
export const DeadLetterWithDelivery = z
  .object({
    ...letterFields,
    delivery: z
      .object({
        id: z.string(),
        source: z.string(),
        provider: z.string(),
        received_at: time,
        method: z.string(),
        url: z.string().describe("Without the source's token"),
        headers: z
          .array(z.tuple([z.string(), z.string()]))
          .describe("Only those that the provider's parser needs"),
        outside: z.literal(true).optional().describe("The sender is not in the observed IP list"),
        replay: z.literal(true).optional().describe("It was sent through again"),
        erased: z
          .literal(true)
          .optional()
          .describe("A contact was erased from it: nulls and an empty body are gaps, not reports"),
        body: z.union([z.object({ text: z.string() }), z.object({ base64: z.string() })]),
      })
      .nullable()
      .describe("The whole request; null if it is gone"),
  })
  .meta({ id: "DeadLetterWithDelivery" });

const sourceFields = {
  source: z.string(),
  provider: z.string(),
  last_received_at: time,
  last_event_at: time.nullable(),
  last_ping_at: time.nullable(),
  lag_ms: z.int().describe("Recent time from receipt to storage"),
  events: z.int(),
  duplicates: z.int().describe("Repeated reports that were not stored again"),
  pings: z.int(),
  outside: z.int().describe("Requests from addresses that are not in the observed IP list"),
  dead_letters: z.int(),
};

/** A source. */
export const Source = z.object(sourceFields).meta({ id: "Source" });

const UnknownWord = z
  .object({
    kind: z
      .enum(UNKNOWN_KINDS)
      .describe(
        "What could not be read; `shape`: a field is missing that such reports have, or it has moved",
      ),
    word: z
      .string()
      .describe("At most 64 characters; long numbers are `#`")
      .meta({ examples: ["email.paused"] }),
    count: z.int().describe("How many stored events had it"),
    first_seen_at: time,
    last_seen_at: time,
    event: z.string().nullable().describe("The id of an event with it; null if that is gone"),
  })
  .meta({ id: "UnknownWord" });

/** A source with the words that its tables do not know. */
export const SourceWithWords = z
  .object({
    ...sourceFields,
    outside_networks: z
      .array(
        z
          .object({
            network: z
              .string()
              .describe("/24 of IPv4, /48 of IPv6")
              .meta({ examples: ["203.0.113.0/24"] }),
            requests: z.int(),
            first_seen_at: time,
            last_seen_at: time,
          })
          .meta({ id: "OutsideNetwork" }),
      )
      .describe("Senders outside of the observed list, the latest ones first"),
    credentials: z
      .array(
        z
          .object({
            position: z.int().describe("Its place in SOURCE_CREDENTIALS, from 1"),
            fingerprint: z
              .string()
              .nullable()
              .describe("The first 8 digits of its SHA-256, for tokens with the scope admin; null for others")
              .meta({ examples: ["3f1c09ab"] }),
            last_used_at: time
              .nullable()
              .describe(
                "When it last proved a request that was stored, to within an hour; null if that was never noted",
              ),
          })
          .meta({ id: "SourceCredential" }),
      )
      .describe("The configured credentials, in their order"),
    unknown: z.array(UnknownWord).describe("The latest ones first"),
  })
  .meta({ id: "SourceWithWords" });
