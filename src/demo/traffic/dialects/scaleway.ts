// Scaleway (https://www.scaleway.com/en/docs/transactional-email/reference-content/webhook-events-payloads/): one
// report per request, as JSON text in the envelope of a topic that follows SNS, with a secret in the URL. It reports no
// engagement.

import { hexOf, post, uuidFrom, uuidOf, withToken } from "../requests.ts";
import { replyTo } from "../replies.ts";
import type { Dialect, SignedRequest, Report } from "../types.ts";

const TOKEN = "demo-only-scaleway";

const SERVICE = "https://sns.mnq.fr-par.scaleway.com";
const TOPIC = "arn:scw:sns:fr-par:project-00000000-0000-4000-8000-000000000042:tem";

export const scaleway: Dialect = {
  source: "scaleway",
  credentials: TOKEN,
  knows: ["queued", "delivered", "hard_bounce", "soft_bounce", "blocked", "dropped", "oddity"],
  // Scaleway reports each further attempt, and reports a bounce only after it has given up.
  becomes: { soft_bounce: "deferred" },
  tellsCampaign: false,
  makeId: (random) => uuidFrom(random.digits(32)),
  most: 1,
  compose: ([report]) => carry(report === undefined ? {} : notification(report)),
  sign: withToken(TOKEN),
  // The last request, sent when the topic stops delivering to the URL.
  tests: (_random, now) => [{ ...carry(farewell(now)), pings: 1 }],
};

/** A request as SNS posts it: JSON declared as plain text, with its kind also in a header. */
function carry(message: Record<string, string>): SignedRequest {
  return post("scaleway", message, {
    "content-type": "text/plain; charset=UTF-8",
    "x-amz-sns-message-type": message["Type"] ?? "Notification",
  });
}

function notification(report: Report): Record<string, string> {
  return {
    Type: "Notification",
    MessageId: uuidOf(report, "message"),
    TopicArn: TOPIC,
    Message: JSON.stringify(reportOf(report)),
    Timestamp: new Date(report.at + 1_217).toISOString(),
    SignatureVersion: "1",
    // The making of the signature is undocumented, so it cannot be checked.
    Signature: Buffer.from(hexOf(report, 128), "hex").toString("base64"),
    SigningCertURL: `${SERVICE}/SimpleNotificationService.pem`,
    UnsubscribeURL: `${SERVICE}/?Action=Unsubscribe&SubscriptionArn=${TOPIC}:42`,
  };
}

function reportOf(report: Report): Record<string, unknown> {
  const { mail, at } = report;
  return {
    id: uuidOf(report),
    // With microseconds.
    created_at: `${new Date(at).toISOString().slice(0, 19)}.000123Z`,
    organization_id: "00000000-0000-4000-8000-000000000041",
    project_id: "00000000-0000-4000-8000-000000000042",
    domain_id: "00000000-0000-4000-8000-000000000043",
    email_id: mail.id,
    email_to: mail.contact,
    ...wordsFor(report),
  };
}

function wordsFor(report: Report): Record<string, unknown> {
  const { what, at } = report;
  switch (what) {
    case "queued":
      return { type: "email_queued", email_error: "", email_try_count: 0 };
    case "hard_bounce":
      return { type: "email_mailbox_not_found", email_error: replyTo(report), email_try_count: 1 };
    case "soft_bounce":
      return {
        type: "email_deferred",
        email_error: replyTo(report),
        email_try_count: 1,
        email_next_try: new Date(at + 900_000).toISOString(),
      };
    case "blocked":
      return { type: "email_spam", email_error: replyTo(report), email_try_count: 1 };
    case "dropped":
      return { type: "email_blocklisted", email_error: "the recipient is on the blocklist" };
    case "oddity":
      return { type: "email_archived" };
    default:
      return { type: "email_delivered", email_error: "", email_try_count: 1 };
  }
}

function farewell(now: number): Record<string, string> {
  return {
    Type: "UnsubscribeConfirmation",
    MessageId: "00000000-0000-4000-8000-000000000044",
    Token: "demo-only",
    TopicArn: TOPIC,
    Message: "You have chosen to deactivate the subscription.",
    SubscribeURL: `${SERVICE}/?Action=ConfirmSubscription&TopicArn=${TOPIC}&Token=demo-only`,
    Timestamp: new Date(now).toISOString(),
  };
}
