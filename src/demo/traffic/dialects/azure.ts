// Azure Communication Services (https://learn.microsoft.com/azure/event-grid/communication-services-email-events),
// through Event Grid: always an array, unsigned, with a secret in the URL. Engagement is reported without an IP
// address.

import { allBut, isEngagement, post, uuidFrom, uuidOf, withToken } from "../requests.ts";
import { replyTo } from "../replies.ts";
import type { Random } from "../random.ts";
import type { Dialect, SignedRequest, Report } from "../types.ts";

const TOKEN = "demo-only-azure-token";

const ACCOUNT = "/subscriptions/00000000-0000-4000-8000-000000000042/resourceGroups/mail/providers";
const TOPIC = `${ACCOUNT}/Microsoft.Communication/CommunicationServices/shop`;
const SENDER = "news@shop.example.com";

export const azure: Dialect = {
  source: "azure",
  credentials: TOKEN,
  knows: allBut("queued", "complained", "unsubscribed"),
  tellsCampaign: false,
  makeId: (random) => uuidFrom(random.digits(32)),
  most: 50,
  compose: (reports, random) => carry(reports.map(eventOf), "Notification", random),
  sign: withToken(TOKEN),
  // The last request, sent when the subscription is removed.
  tests: (random, now) => [{ ...carry([deletion(now)], "SubscriptionDeletion", random), pings: 1 }],
};

function carry(events: readonly unknown[], kind: string, random: Random): SignedRequest {
  return post("azure", events, {
    "content-type": "application/json; charset=utf-8",
    "aeg-event-type": kind,
    "aeg-subscription-name": "TIDINGS",
    "aeg-delivery-count": String(random.between(0, 3)),
    "aeg-metadata-version": "1",
    "aeg-data-version": "1.0",
  });
}

function eventOf(report: Report): Record<string, unknown> {
  const { mail, what, at } = report;
  const [kind, data] = isEngagement(report)
    ? ["EmailEngagementTrackingReportReceived", engagement(report)]
    : what === "oddity"
      ? ["EmailRecallReportReceived", {}]
      : ["EmailDeliveryReportReceived", delivery(report)];
  return {
    id: uuidOf(report),
    topic: TOPIC,
    subject: `sender/${SENDER}/message/${mail.id}`,
    data: { sender: SENDER, messageId: mail.id, recipient: mail.contact, ...data },
    eventType: `Microsoft.Communication.${kind}`,
    dataVersion: "1.0",
    metadataVersion: "1",
    // Shortly after the reported happening; reports of an unknown kind have no other time.
    eventTime: new Date(what === "oddity" ? at : at + 1_217).toISOString(),
  };
}

function engagement({ what, at, url, agent }: Report): Record<string, unknown> {
  return {
    userActionTimeStamp: dotNetTime(at),
    engagementType: what === "clicked" ? "click" : "view",
    engagementContext: what === "clicked" ? url : "",
    userAgent: agent,
  };
}

function delivery(report: Report): Record<string, unknown> {
  const [status, statusMessage] = statusOf(report);
  return {
    internetMessageId: `<${report.mail.id}@azurecomm.net>`,
    status,
    deliveryStatusDetails: { statusMessage, recipientMailServerHostName: "mx.example.com" },
    deliveryAttemptTimeStamp: dotNetTime(report.at),
  };
}

function statusOf(report: Report): [status: string, message: string] {
  const { what } = report;
  switch (what) {
    case "sent":
      return ["OutForDelivery", ""];
    case "hard_bounce":
      return ["Bounced", replyTo(report)];
    // `Bounced` is always permanent. A temporary refusal is reported as `Failed` once Azure gives up.
    case "soft_bounce":
      return ["Failed", replyTo(report)];
    case "blocked":
      return ["FilteredSpam", replyTo(report)];
    case "dropped":
      return ["Suppressed", "The recipient is on the suppression list"];
    default:
      return ["Delivered", "No error."];
  }
}

/** A time as .NET writes it: to a ten-millionth of a second, with the offset. */
function dotNetTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}.0001234+00:00`;
}

function deletion(now: number): Record<string, unknown> {
  const name = `${TOPIC}/providers/Microsoft.EventGrid/eventSubscriptions/tidings`;
  return {
    id: "00000000-0000-4000-8000-000000000043",
    topic: TOPIC,
    subject: "",
    data: { eventSubscriptionId: name },
    eventType: "Microsoft.EventGrid.SubscriptionDeletedEvent",
    dataVersion: "1",
    metadataVersion: "1",
    eventTime: new Date(now).toISOString(),
  };
}
