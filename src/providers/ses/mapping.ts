// Maps the words of Amazon SES to ours: kinds of events, of bounces, delays and complaints.

import type { EventDetails, EventType, Reason, Smtp } from "../../model/event.ts";
import { bounceClass, flag, LONGEST, objectAt, table, text } from "../kit/fields.ts";
import { isObject, type JsonObject } from "../kit/json.ts";
import { plainName } from "../kit/loose-fields.ts";
import { judge } from "../kit/refusal.ts";
import { findSmtp, readSmtp, replyOf } from "../kit/smtp.ts";

/**
 * A kind of event: its type, the object that describes it, and the list of recipients in that object (else the mail's
 * own).
 */
export type Kind = readonly [type: EventType, object: string, recipients?: string];

/**
 * https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html ; `eventType`, or
 * `notificationType` of https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html , by plain name because
 * one of them, "Rendering Failure", contains a space. SES never sends mails that it rejects or cannot render.
 */
export const KINDS = table<Kind>(
  {
    send: ["sent", "send"],
    delivery: ["delivered", "delivery", "recipients"],
    deliverydelay: ["deferred", "deliveryDelay", "delayedRecipients"],
    bounce: ["bounced", "bounce", "bouncedRecipients"],
    complaint: ["complained", "complaint", "complainedRecipients"],
    reject: ["dropped", "reject"],
    renderingfailure: ["dropped", "failure"],
    open: ["opened", "open"],
    click: ["clicked", "click"],
    subscription: ["subscribed", "subscription"],
  },
  "type",
);

/**
 * https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html#bounce-types ; bounceSubType: the reason, and
 * the type that replaces bounced if the address was not refused.
 */
const BOUNCES = table<readonly [Reason, EventType?]>(
  {
    noemail: ["invalid"],
    mailboxfull: ["mailbox_full"],
    suppressed: ["suppressed", "dropped"],
    onaccountsuppressionlist: ["suppressed", "dropped"],
    unsubscribedrecipient: ["unsubscribed", "dropped"],
    messagetoolarge: ["content", "blocked"],
    contentrejected: ["content", "blocked"],
    attachmentrejected: ["content", "blocked"],
    customtimeoutexceeded: ["timed_out", "failed"],
  },
  "reason",
  ["general", "undetermined"],
);

/** https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html : delayType. */
const DELAYS = table<Reason>(
  {
    internalfailure: "technical",
    mailboxfull: "mailbox_full",
    spamdetected: "reputation",
    recipientservererror: "technical",
    ipfailure: "reputation",
    transientcommunicationfailure: "technical",
    byoiphostnamelookupunavailable: "technical",
    sendingdeferral: "technical",
  },
  "reason",
  ["undetermined", "general"],
);

/**
 * https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html#complaint-object : complaintFeedbackType, of RFC
 * 5965 section 7.3. `not-spam` withdraws a complaint, for which there is no type; any other value counts as a spam
 * complaint.
 */
const COMPLAINTS = table<readonly [EventType, Reason | null]>(
  {
    "not-spam": ["unknown", null],
    "auth-failure": ["complained", "policy"],
    virus: ["complained", "content"],
  },
  "reason",
  ["abuse", "fraud", "other"],
);

type Meaning = { type: EventType } & Partial<EventDetails>;

/** The type and details in a kind's object; `entry` is the report's entry for one recipient. */
export function meaningOf([type, object]: Kind, eventObject: JsonObject, entry: JsonObject): Meaning {
  switch (object) {
    case "bounce":
      return bounced(eventObject, entry);
    case "complaint":
      return complained(eventObject);
    case "delivery":
      return {
        type,
        smtp: readSmtp(eventObject["smtpResponse"]),
        description: text(eventObject["smtpResponse"], LONGEST.words),
      };
    case "deliveryDelay":
      return deferred(eventObject, entry);
    case "reject":
      return { type, reason: "content", description: text(eventObject["reason"], LONGEST.words) };
    case "failure":
      return { type, reason: "content", description: text(eventObject["errorMessage"], LONGEST.words) };
    case "subscription":
      return {
        type: choiceOf(eventObject),
        campaign: text(eventObject["contactList"]),
        description: text(eventObject["source"]),
      };
    default:
      return { type };
  }
}

function bounced(eventObject: JsonObject, entry: JsonObject): Meaning {
  const kind = text(eventObject["bounceType"]);
  const subtype = plainName(text(eventObject["bounceSubType"]) ?? "");
  const smtp = answerOf(entry);
  const words = text(entry["diagnosticCode"], LONGEST.words);
  const named = [kind, text(eventObject["bounceSubType"])].filter((word) => word !== null);
  const description = words ?? (named.join(": ") || null);
  if (isAutoReply(kind, subtype, entry)) return { type: "autoresponded", description };
  const [reason = null, type = "bounced"] = BOUNCES.get(subtype) ?? [];
  const bounce = type === "bounced" ? bounceClass(kind) : null;
  const finding = { type, bounce, reason, isEvidence: subtype === "noemail" };
  const judged = judge(finding, evidenceOf(smtp));
  return { ...judged, description, smtp };
}

/**
 * Whether the bounce is an out-of-office reply. SES reports those as Transient: General, too; but no server refused the
 * mail, so the recipient's entry contains the address alone.
 */
function isAutoReply(kind: string | null, subtype: string, entry: JsonObject): boolean {
  const told = ["action", "status", "diagnosticCode"].some((name) => text(entry[name]) !== null);
  return kind?.toLowerCase() === "transient" && subtype === "general" && !told;
}

function deferred(eventObject: JsonObject, entry: JsonObject): Meaning {
  const smtp = answerOf(entry);
  const cause = text(eventObject["delayType"]);
  const words = text(entry["diagnosticCode"], LONGEST.words);
  const finding = {
    type: "deferred",
    bounce: null,
    reason: DELAYS.get(plainName(cause ?? "")) ?? null,
  } as const;
  return { ...judge(finding, smtp), smtp, description: words ?? cause };
}

function complained(eventObject: JsonObject): Meaning {
  const feedback = text(eventObject["complaintFeedbackType"]);
  const subtype = text(eventObject["complaintSubType"]);
  // Not a new complaint, but the effect of an earlier one: SES accepted the mail and did not send it.
  if (plainName(subtype ?? "") === "onaccountsuppressionlist")
    return { type: "dropped", reason: "suppressed", description: subtype };
  const [type, reason] = COMPLAINTS.get(feedback?.toLowerCase() ?? "") ?? (["complained", "spam"] as const);
  return { type, reason, description: feedback };
}

/**
 * The receiving server's answer: its words are quoted whole, and its enhanced code is also a field of its own. Words with
 * neither a code nor the type of a reply are SES's own.
 */
function answerOf(entry: JsonObject): Smtp | null {
  const words = text(entry["diagnosticCode"], LONGEST.words);
  const isReply = findSmtp(words) !== null || /^smtp;/i.test(words ?? "");
  return replyOf({ status: entry["status"], words: isReply ? words : null });
}

/** The answer as evidence: a status of x.0.0 alone only repeats SES's class. */
function evidenceOf(smtp: Smtp | null): Smtp | null {
  const isBare = smtp !== null && smtp.code === null && smtp.response === null;
  return isBare && smtp.enhanced?.endsWith(".0.0") === true ? null : smtp;
}

/**
 * The type of a contact's new choice of topics. Leaving one topic counts as unsubscribed, so that no such wish is
 * missed.
 */
function choiceOf(eventObject: JsonObject): EventType {
  const preferences = objectAt(eventObject, "newTopicPreferences");
  if (flag(preferences["unsubscribeAll"]) === true) return "unsubscribed";
  const before = new Map(topicsOf(objectAt(eventObject, "oldTopicPreferences")));
  const changed = topicsOf(preferences).filter(([topic, status]) => before.get(topic) !== status);
  if (changed.some(([, status]) => status === "optout")) return "unsubscribed";
  const returned = flag(objectAt(eventObject, "oldTopicPreferences")["unsubscribeAll"]) === true;
  return returned || changed.some(([, status]) => status === "optin") ? "subscribed" : "unknown";
}

/**
 * The list that a new choice of topics is about: the contact list. Leaving one of its topics counts as leaving it. So
 * does staying away from one: whoever joins a topic and keeps out of another comes back to that topic alone, unless it
 * takes back an unsubscribe from all.
 */
export function listOfChoice(subscription: JsonObject): string | null {
  const list = text(subscription["contactList"]);
  if (list === null || choiceOf(subscription) !== "subscribed") return list;
  const topics = topicsOf(objectAt(subscription, "newTopicPreferences"));
  const returned = flag(objectAt(subscription, "oldTopicPreferences")["unsubscribeAll"]) === true;
  if (returned || !topics.some(([, status]) => status === "optout")) return list;
  const joined = topics.flatMap(([topic, status]) => (status === "optin" && topic !== null ? [topic] : []));
  return `${list}/${joined.toSorted().join("+")}`.slice(0, LONGEST.id);
}

function topicsOf(preferences: JsonObject): [topic: string | null, status: string][] {
  return listOf(preferences["topicSubscriptionStatus"]).map((item) => {
    const { topicName, subscriptionStatus } = isObject(item) ? item : {};
    return [text(topicName), plainName(text(subscriptionStatus) ?? "")];
  });
}

/** The items of a list, or the one value in place of a list; an empty list if the value is absent. */
export function listOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  return isObject(value) || text(value) !== null ? [value] : [];
}
