// Amazon SES (https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html), through SNS
// with raw message delivery (https://docs.aws.amazon.com/sns/latest/dg/sns-large-payload-raw-message-delivery.html):
// one event per request, without an envelope and therefore without a signature; the only proof is a secret in the URL.
// SNS's signatures need a certificate of Amazon's, which the demo cannot fetch.

import { allBut, hexOf, post, uuidFrom, uuidOf, withToken } from "../requests.ts";
import { replyTo } from "../replies.ts";
import type { Dialect, SignedRequest, Report } from "../types.ts";

const TOKEN = "demo-only-ses-token";
const TOPIC = "arn:aws:sns:eu-west-1:123456789012:ses-events";
/** SES's own words for a mail that it did not send. */
const SUPPRESSED =
  "Amazon SES did not send the message to this address because it is on the suppression list for your account.";

export const ses: Dialect = {
  source: "ses",
  credentials: TOKEN,
  knows: allBut("queued"),
  tellsCampaign: true,
  makeId: (random) => `0102019a${random.digits(8)}-${uuidFrom(random.digits(32))}-000000`,
  most: 1,
  compose: (reports) => reports.map(requestOf)[0] ?? publish({}, uuidFrom("0".repeat(32))),
  sign: withToken(TOKEN),
  // The messages that SES publishes when the topic becomes an event destination, and when it is assigned to an
  // identity.
  tests: (random) =>
    [
      "Successfully validated SNS topic for Amazon SES event publishing.",
      { notificationType: "AmazonSnsSubscriptionSucceeded", message: "You have successfully subscribed" },
    ].map((body) => ({ ...publish(body, uuidFrom(random.digits(32))), pings: 1 })),
};

function publish(body: unknown, id: string): SignedRequest {
  return post("ses", body, {
    "content-type": "text/plain; charset=UTF-8",
    "user-agent": "Amazon Simple Notification Service Agent",
    "x-amz-sns-message-type": "Notification",
    "x-amz-sns-message-id": id,
    "x-amz-sns-topic-arn": TOPIC,
    "x-amz-sns-subscription-arn": `${TOPIC}:0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9`,
    "x-amz-sns-rawdelivery": "true",
  });
}

function requestOf(report: Report): SignedRequest {
  return publish({ ...wordsFor(report), mail: mailOf(report) }, uuidOf(report, "sns"));
}

function mailOf({ mail, what, at }: Report): Record<string, unknown> {
  return {
    // A Send has no other time.
    timestamp: new Date(what === "sent" ? at : mail.sentAt).toISOString(),
    source: "news@shop.example.com",
    sendingAccountId: "123456789012",
    messageId: mail.id,
    destination: [mail.contact],
    commonHeaders: { from: ["news@shop.example.com"], to: [mail.contact], messageId: mail.id },
    tags: {
      "ses:configuration-set": ["main"],
      "ses:from-domain": ["shop.example.com"],
      campaign: [mail.campaign],
      order: [mail.customId],
    },
  };
}

function wordsFor(report: Report): Record<string, unknown> {
  const { mail, what, at, url, ip, agent } = report;
  const timestamp = new Date(at).toISOString();
  const act = { ipAddress: ip, timestamp, userAgent: agent };
  const delivery = { timestamp, processingTimeMillis: at - mail.sentAt, recipients: [mail.contact] };
  switch (what) {
    case "sent":
      return { eventType: "Send", send: {} };
    case "opened":
      return { eventType: "Open", open: act };
    case "clicked":
      return { eventType: "Click", click: { ...act, link: url, linkTags: null } };
    case "hard_bounce":
      return bounced(report, "Permanent", "General", `smtp; ${replyTo(report)}`);
    case "soft_bounce":
      return bounced(report, "Transient", "MailboxFull", `smtp; ${replyTo(report)}`);
    case "blocked":
      return bounced(report, "Transient", "ContentRejected", `smtp; ${replyTo(report)}`);
    case "dropped":
      return bounced(report, "Permanent", "OnAccountSuppressionList", SUPPRESSED);
    case "complained":
      return complained(report);
    case "unsubscribed":
      return unsubscribed(report);
    case "oddity":
      return { eventType: "Forward", forward: { timestamp } };
    default:
      return { eventType: "Delivery", delivery: { ...delivery, smtpResponse: "250 2.0.0 OK: queued" } };
  }
}

function bounced(report: Report, bounceType: string, bounceSubType: string, diagnosticCode: string) {
  const [status] = /\d\.\d+\.\d+/.exec(diagnosticCode) ?? ["5.1.1"];
  const recipient = { emailAddress: report.mail.contact, action: "failed", status, diagnosticCode };
  const bounce = {
    feedbackId: feedbackIdOf(report),
    bounceType,
    bounceSubType,
    bouncedRecipients: [recipient],
    timestamp: new Date(report.at).toISOString(),
    reportingMTA: "dns; a1.smtp-out.example.com",
  };
  return { eventType: "Bounce", bounce };
}

function complained(report: Report): Record<string, unknown> {
  const complaint = {
    feedbackId: feedbackIdOf(report),
    complaintSubType: null,
    complainedRecipients: [{ emailAddress: report.mail.contact }],
    timestamp: new Date(report.at).toISOString(),
    userAgent: "Example Feedback Loop (V0.01)",
    complaintFeedbackType: "abuse",
    arrivalDate: new Date(report.mail.sentAt).toISOString(),
  };
  return { eventType: "Complaint", complaint };
}

/** An unsubscribe by the header List-Unsubscribe, from a list that is unrelated to the mail's campaign. */
function unsubscribed({ at }: Report): Record<string, unknown> {
  const topics = (unsubscribeAll: boolean, subscriptionStatus: string): Record<string, unknown> => ({
    unsubscribeAll,
    topicSubscriptionStatus: [{ topicName: "news", subscriptionStatus }],
  });
  const subscription = {
    contactList: "customers",
    timestamp: new Date(at).toISOString(),
    source: "UnsubscribeHeader",
    newTopicPreferences: topics(true, "OptOut"),
    oldTopicPreferences: topics(false, "OptIn"),
  };
  return { eventType: "Subscription", subscription };
}

function feedbackIdOf(report: Report): string {
  return `0102019a${hexOf(report, 8)}-${uuidOf(report)}-000000`;
}
