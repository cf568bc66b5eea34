// SendGrid's words and field names, as its event reference lists them.

import type { EventType, Reason } from "../../model/event.ts";
import { table } from "../kit/fields.ts";

/**
 * https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event#events ; `processed` means "received and
 * will be delivered", so the mail has not been handed over yet.
 */
export const TYPES = table<EventType>({
  processed: "queued",
  deferred: "deferred",
  delivered: "delivered",
  bounce: "bounced",
  dropped: "dropped",
  open: "opened",
  click: "clicked",
  spamreport: "complained",
  unsubscribe: "unsubscribed",
  group_unsubscribe: "unsubscribed",
  group_resubscribe: "subscribed",
});

/**
 * Why SendGrid did not try to send: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event#dropped
 */
export const DROPS = table<Reason>({
  "bounced address": "suppressed",
  "spam reporting address": "suppressed",
  "unsubscribed address": "unsubscribed",
  invalid: "invalid",
  "invalid smtpapi header": "technical",
  "spam content": "content",
  "spam content (if spam checker app is enabled)": "content",
  "recipient list over package quota": "policy",
});

/**
 * Bounce classifications:
 * https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event#bounce-classifications
 */
export const CLASSES = table<Reason>({
  "invalid address": "invalid",
  technical: "technical",
  content: "content",
  reputation: "reputation",
  "frequency or volume too high": "reputation",
  "mailbox unavailable": "inactive",
  unclassified: "other",
});

/**
 * https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event#json-objects : the fields that SendGrid
 * itself adds to an event. All other fields are the sender's (`unique_args`, `custom_args`), merged flat into the same
 * object.
 */
export const OWN_FIELDS: ReadonlySet<string> = new Set([
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
