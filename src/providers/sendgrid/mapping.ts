// SendGrid's words and field names, as its event reference lists them.

import type { EventType, Reason } from "../../model/event.ts";
import { table } from "../kit/fields.ts";

/**
 * https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event#events ; `processed` means "received and
 * will be delivered", so the mail has not been handed over yet.
 */
export const TYPES = table<EventType>(
  {
    processed: "queued",
    deferred: "deferred",
    delivered: "delivered",
    bounce: "bounced",
    blocked: "blocked", // the word of SendGrid's own logs for a bounce of type "blocked"
    dropped: "dropped",
    open: "opened",
    click: "clicked",
    spamreport: "complained",
    unsubscribe: "unsubscribed",
    group_unsubscribe: "unsubscribed",
    group_resubscribe: "subscribed",
  },
  "type",
);

/**
 * Why SendGrid did not try to send: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event#dropped .
 * The words are read by how they begin, because SendGrid appends explanations to them.
 */
const DROPS: readonly (readonly [RegExp, Reason])[] = [
  [/^(bounced|spam reporting|blocked) (address|recipient)/, "suppressed"],
  [/unsubscribe/, "unsubscribed"],
  [/^invalid (smtpapi|header|template|substitution)/, "technical"],
  [/^invalid/, "invalid"],
  [/^spam (content|checker)/, "content"],
  [/quota|credits|limit/, "policy"],
];

/** The reason of a drop by SendGrid's words; `other` for words that are not known. */
export function dropOf(words: string): Reason {
  const lower = words.toLowerCase();
  return DROPS.find(([pattern]) => pattern.test(lower))?.[1] ?? "other";
}

/**
 * Bounce classifications:
 * https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event#bounce-classifications . The page and the
 * events differ in the second word ("Technical Failure" and "Technical", "Invalid Address" and "Invalid"), so the first
 * word decides.
 */
const CLASSES = table<Reason>(
  {
    invalid: "invalid",
    technical: "technical",
    content: "content",
    reputation: "reputation",
    frequency: "reputation", // "Frequency or Volume Too High"
    volume: "reputation",
    mailbox: "inactive", // "Mailbox Unavailable", of full mailboxes and of disabled ones
    unclassified: "other",
  },
  "reason",
);

/** The reason by SendGrid's classification; null if there is none, or one that is not known. */
export function classOf(classification: string | null): Reason | null {
  const [first = ""] = classification?.toLowerCase().split(/[^a-z]/, 1) ?? [];
  return CLASSES.get(first) ?? null;
}

/**
 * https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event#json-objects : the fields that SendGrid
 * itself adds to an event. All other fields are the sender's (`unique_args`, `custom_args`), merged flat into the same
 * object.
 */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  "email",
  "timestamp",
  "event",
  "smtp-id",
  "sg_event_id",
  "sg_message_id",
  "category",
  "reason",
  "status",
  "type",
  "bounce_classification",
  "response",
  "attempt",
  "ip",
  "tls",
  "cert_err",
  "cert_error",
  "useragent",
  "url",
  "url_offset",
  "pool",
  "send_at",
  "sg_machine_open",
  "sg_content_type",
  "sg_template_id",
  "sg_template_name",
  "marketing_campaign_id",
  "marketing_campaign_name",
  "singlesend_id",
  "singlesend_name",
]);

/**
 * Whether SendGrid itself adds a field of this name to an event of this type. The group of unsubscribes is what such an
 * event is about, so it stays visible; of all other events it only repeats what the mail was sent with.
 */
export function isOwnField(name: string, type: EventType): boolean {
  if (name === "asm_group_id") return type !== "unsubscribed" && type !== "subscribed";
  return OWN_FIELDS.has(name);
}
