// The words of Amazon SES and what they mean here: kinds of events, of bounces, delays and complaints.

import type { EventDetails, EventType, Reason, Smtp } from "../../model/event.ts";
import { bounceClass, LONGEST, objectAt, table, text } from "../kit/fields.ts";
import { isObject, type JsonObject } from "../kit/json.ts";
import { plainName } from "../kit/loose-fields.ts";
import { findSmtp, isSenders, readSmtp, smtpReason } from "../kit/smtp.ts";

/** What a kind of event is, the object that tells of it, and the list of recipients in there (else the mail's own). */
export type Kind = readonly [type: EventType, object: string, recipients?: string];

/**
 * https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html ; `eventType`, or
 * `notificationType` of https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html , by plain name because one
 * of them, "Rendering Failure", has a space. SES never sends what it rejects or cannot render.
 */
export const KINDS = table<Kind>({
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
});

/**
 * https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html#bounce-types ; bounceSubType: why, and the type it
 * makes of a bounce that was no refusal of the address.
 */
const BOUNCES = table<readonly [Reason, EventType?]>({
  noemail: ["invalid"],
  mailboxfull: ["mailbox_full"],
  suppressed: ["suppressed", "dropped"],
  onaccountsuppressionlist: ["suppressed", "dropped"],
  unsubscribedrecipient: ["unsubscribed", "dropped"],
  messagetoolarge: ["content", "blocked"],
  contentrejected: ["content", "blocked"],
  attachmentrejected: ["content", "blocked"],
  customtimeoutexceeded: ["timed_out", "failed"],
});

/** https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html : delayType. */
const DELAYS = table<Reason>({
  internalfailure: "technical",
  mailboxfull: "mailbox_full",
  spamdetected: "reputation",
  recipientservererror: "technical",
  ipfailure: "reputation",
  transientcommunicationfailure: "technical",
  byoiphostnamelookupunavailable: "technical",
  sendingdeferral: "technical",
});

/**
 * https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html#complaint-object : complaintFeedbackType, of RFC
 * 5965 section 7.3. `not-spam` takes a complaint back, for which there is no type; any other counts as one of spam.
 */
const COMPLAINTS = table<readonly [EventType, Reason | null]>({
  "not-spam": ["unknown", null],
  "auth-failure": ["complained", "policy"],
  virus: ["complained", "content"],
});

type Meaning = { type: EventType } & Partial<EventDetails>;

/** What a kind's object says happened; `own` is what it says of one recipient. */
export function meaningOf([type, object]: Kind, told: JsonObject, own: JsonObject): Meaning {
  switch (object) {
    case "bounce":
      return bounced(told, own);
    case "complaint":
      return complained(told);
    case "delivery":
      return {
        type,
        smtp: readSmtp(told["smtpResponse"]),
        description: text(told["smtpResponse"], LONGEST.words),
      };
    case "deliveryDelay":
      return deferred(told, own);
    case "reject":
      return { type, reason: "content", description: text(told["reason"], LONGEST.words) };
    case "failure":
      return { type, reason: "content", description: text(told["errorMessage"], LONGEST.words) };
    case "subscription":
      return { type: choiceOf(told), campaign: text(told["contactList"]), description: text(told["source"]) };
    default:
      return { type };
  }
}

function bounced(told: JsonObject, own: JsonObject): Meaning {
  const kind = text(told["bounceType"]);
  const subtype = text(told["bounceSubType"]);
  const smtp = answerOf(own);
  const description =
    text(own["diagnosticCode"], LONGEST.words) ?? ([kind, subtype].filter(Boolean).join(": ") || null);
  const [reason, instead] = BOUNCES.get(plainName(subtype ?? "")) ?? [smtpReason(smtp)];
  // "General" is anything, also a refusal of the sender or the content.
  const type = instead ?? (isSenders(reason) ? "blocked" : "bounced");
  // Out-of-office replies come as Transient: General, and nothing in them says so.
  return { type, bounce: type === "bounced" ? bounceClass(kind) : null, reason, description, smtp };
}

function deferred(told: JsonObject, own: JsonObject): Meaning {
  const smtp = answerOf(own);
  const cause = text(told["delayType"]);
  const reason = DELAYS.get(plainName(cause ?? "")) ?? smtpReason(smtp);
  return { type: "deferred", reason, smtp, description: text(own["diagnosticCode"], LONGEST.words) ?? cause };
}

function complained(told: JsonObject): Meaning {
  const feedback = text(told["complaintFeedbackType"]);
  const subtype = text(told["complaintSubType"]);
  // Not a complaint but what an earlier one led to: SES took the mail and did not send it.
  if (plainName(subtype ?? "") === "onaccountsuppressionlist")
    return { type: "dropped", reason: "suppressed", description: subtype };
  const [type, reason] = COMPLAINTS.get(feedback?.toLowerCase() ?? "") ?? (["complained", "spam"] as const);
  return { type, reason, description: feedback };
}

/** The receiving server's answer: its words are quoted whole, its enhanced code also stands alone. */
function answerOf(own: JsonObject): Smtp | null {
  const smtp = findSmtp(own["diagnosticCode"]);
  const enhanced = text(own["status"]);
  if (enhanced === null) return smtp;
  return { code: null, response: null, ...smtp, enhanced: smtp?.enhanced ?? enhanced };
}

/** A contact's new choice of topics: leaving one counts as leaving, so that no wish to be left alone is missed. */
function choiceOf(told: JsonObject): EventType {
  const preferences = objectAt(told, "newTopicPreferences");
  if (preferences["unsubscribeAll"] === true) return "unsubscribed";
  const before = new Map(topicsOf(objectAt(told, "oldTopicPreferences")));
  const changed = topicsOf(preferences).filter(([topic, status]) => before.get(topic) !== status);
  if (changed.some(([, status]) => status === "optout")) return "unsubscribed";
  const returned = objectAt(told, "oldTopicPreferences")["unsubscribeAll"] === true;
  return returned || changed.some(([, status]) => status === "optin") ? "subscribed" : "unknown";
}

function topicsOf(preferences: JsonObject): [topic: string | null, status: string][] {
  return listOf(preferences["topicSubscriptionStatus"]).map((item) => {
    const { topicName, subscriptionStatus } = isObject(item) ? item : {};
    return [text(topicName), plainName(text(subscriptionStatus) ?? "")];
  });
}

/** The items of a list; none where the field holds something else. */
export const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
