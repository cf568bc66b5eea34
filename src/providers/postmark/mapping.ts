// Postmark's words for records, bounces and suppressions.

import type { EventType, Reason } from "../../model/event.ts";
import { table } from "../kit/fields.ts";

/** The meaning of a word: its type, the bounce's class, the reason. */
export type Listed = readonly [EventType, ("hard" | "soft" | null)?, Reason?];

/** The meaning of a word that no table knows. */
export const UNKNOWN: Listed = ["unknown"];

/**
 * https://postmarkapp.com/developer/webhooks/webhooks-overview : the values of RecordType that alone decide the
 * meaning.
 */
export const RECORDS = table<Listed>(
  {
    delivery: ["delivered"],
    open: ["opened"],
    click: ["clicked"],
    spamcomplaint: ["complained", null, "spam"],
  },
  "type",
);

/**
 * https://postmarkapp.com/developer/api/bounce-api#bounce-types : a bounce's Type. InboundError is omitted: it is about
 * received mail. SMTPApiError is read by its code.
 */
export const BOUNCES = table<Listed>(
  {
    hardbounce: ["bounced", "hard", "invalid"],
    softbounce: ["bounced", "soft"],
    unknown: ["bounced", null, "other"], // a refusal that Postmark could not classify
    transient: ["deferred", null, "technical"],
    dnserror: ["deferred", null, "technical"],
    openrelaytest: ["deferred", null, "other"],
    blocked: ["blocked", null, "policy"], // "due to content or blacklisting"
    dmarcpolicy: ["blocked", null, "policy"],
    spamnotification: ["blocked", null, "content"], // a filter's decision, not a person's complaint: no suppression
    virusnotification: ["blocked", null, "content"],
    bademailaddress: ["dropped", null, "invalid"],
    manuallydeactivated: ["dropped", null, "suppressed"],
    unconfirmed: ["dropped", null, "suppressed"],
    templaterenderingfailed: ["dropped", null, "content"],
    autoresponder: ["autoresponded"],
    addresschange: ["autoresponded"],
    challengeverification: ["autoresponded"],
    spamcomplaint: ["complained", null, "spam"],
    unsubscribe: ["unsubscribed"],
    subscribe: ["subscribed"],
  },
  "reason",
);

/**
 * TypeCode, as Postmark's own library lists it (postmark.js, BounceType). Only for reports without the name, which
 * wins, because Postmark's samples disagree on some of the numbers.
 */
export const TYPE_CODES = table<string>({
  "1": "hardbounce",
  "2": "transient",
  "16": "unsubscribe",
  "32": "subscribe",
  "64": "autoresponder",
  "128": "addresschange",
  "256": "dnserror",
  "512": "spamnotification",
  "1024": "openrelaytest",
  "2048": "unknown",
  "4096": "softbounce",
  "8192": "virusnotification",
  "16384": "challengeverification",
  "100000": "bademailaddress",
  "100001": "spamcomplaint",
  "100002": "manuallydeactivated",
  "100003": "unconfirmed",
  "100006": "blocked",
  "100007": "smtpapierror",
  "100009": "dmarcpolicy",
  "100010": "templaterenderingfailed",
});

/**
 * https://postmarkapp.com/developer/webhooks/subscription-change-webhook : SuppressionReason. The first two only repeat
 * the bounce or complaint that caused them, and must not look like the contact's own wish. They are reported
 * nevertheless, for customers who use only this webhook.
 */
export const SUPPRESSIONS = table<Listed>(
  {
    hardbounce: ["bounced", "hard", "invalid"],
    spamcomplaint: ["complained", null, "spam"],
    manualsuppression: ["unsubscribed"],
  },
  "reason",
);
