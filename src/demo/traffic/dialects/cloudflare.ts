// Cloudflare Email Service (https://developers.cloudflare.com/email-service/platform/event-subscriptions/): no webhook.
// It puts its events into a queue of the account; here the demo's Worker does that.

import { post, uuidOf } from "../requests.ts";
import { replyTo } from "../replies.ts";
import type { Dialect, Happening, Report } from "../types.ts";

const WORDS: Partial<Record<Happening, string>> = {
  delivered: "delivered",
  soft_bounce: "deferred",
  hard_bounce: "bounced",
  dropped: "rejected",
  complained: "complained",
  oddity: "teleported",
};

export const cloudflare: Dialect = {
  source: "cloudflare",
  credentials: null,
  knows: ["delivered", "soft_bounce", "hard_bounce", "dropped", "complained", "oddity"],
  becomes: { soft_bounce: "deferred" },
  tellsCampaign: false,
  makeId: (random) => `<${random.digits(20)}@mail.example.com>`,
  most: 20,
  compose: (reports) => ({ ...post("cloudflare", reports.map(eventOf)), path: "/demo/email-events" }),
  sign: (request) => request,
  // An event that the service sends twice is stored once, but not counted as a repeat.
  repeats: false,
};

function eventOf(report: Report): Record<string, unknown> {
  const { mail, what, at } = report;
  return {
    type: `cf.email.sending.message.${WORDS[what] ?? what}`,
    source: { type: "email.sending", zoneId: "zone-demo", domain: "mail.example.com" },
    payload: {
      eventId: uuidOf(report),
      messageId: mail.id,
      recipient: mail.contact,
      timestamp: new Date(at).toISOString(),
      ...(what === "hard_bounce" ? { bounceType: "hard", smtpResponse: replyTo(report) } : {}),
      ...(what === "soft_bounce" ? { smtpResponse: replyTo(report) } : {}),
    },
    metadata: {
      accountId: "account-demo",
      eventSubscriptionId: "subscription-demo",
      eventSchemaVersion: 1,
      eventTimestamp: new Date(at + 1000).toISOString(),
    },
  };
}
