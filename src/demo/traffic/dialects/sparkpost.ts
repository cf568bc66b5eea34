// SparkPost, now Bird (https://developers.sparkpost.com/api/webhooks/): arrays whose elements wrap one event each in the
// name of its class, every value a string, with a header of the customer's choice and no signature.

import { createHash } from "node:crypto";
import { allBut, hexOf, isEngagement, post, seconds, withHeader } from "../requests.ts";
import { replyTo } from "../replies.ts";
import type { Dialect, Happening, Report } from "../types.ts";

const HEADER = "x-demo-secret";
const SECRET = "demo-only-sparkpost";

export const sparkpost: Dialect = {
  source: "sparkpost",
  credentials: SECRET,
  settings: { secret_header: HEADER },
  knows: allBut("sent"),
  tellsCampaign: true,
  makeId: (random) => random.digits(17),
  most: 50,
  compose: (reports) => {
    // A batch keeps its id when it is sent again.
    const batch = createHash("md5").update(reports.map(eventId).join()).digest("hex");
    return post("sparkpost", reports.map(element), { "x-messagesystems-batch-id": batch });
  },
  sign: withHeader(HEADER, SECRET),
  // The post that creates or tests a webhook.
  tests: () => [{ ...post("sparkpost", [{ msys: {} }]), pings: 1 }],
};

const CLASSES: Partial<Record<Happening, string>> = {
  opened: "track_event",
  clicked: "track_event",
  unsubscribed: "unsubscribe_event",
};

function element(report: Report): Record<string, unknown> {
  const { mail, what, ip, agent } = report;
  const event = {
    ...wordsFor(report),
    event_id: eventId(report),
    timestamp: String(seconds(report)),
    injection_time: new Date(mail.sentAt).toISOString(),
    transmission_id: mail.id,
    message_id: `0004${hexOf({ ...report, what: "queued", at: mail.sentAt }, 16)}`,
    campaign_id: mail.campaign,
    rcpt_to: mail.contact,
    raw_rcpt_to: mail.contact,
    rcpt_meta: { order: mail.customId },
    rcpt_tags: [mail.campaign],
    sending_ip: "192.0.2.25",
    subaccount_id: "101",
    ...(isEngagement(report) ? { ip_address: ip, user_agent: agent, geo_ip: { country: "FR" } } : {}),
  };
  return { msys: { [CLASSES[what] ?? "message_event"]: event } };
}

/** An event's id: 17 or 18 digits, derived from the report. */
function eventId(report: Report): string {
  return String(BigInt(`0x1${hexOf(report, 14)}`));
}

function wordsFor(report: Report): Record<string, unknown> {
  const { what, url } = report;
  switch (what) {
    case "queued":
      return { type: "injection" };
    case "opened":
      return { type: "open" };
    case "clicked":
      return { type: "click", target_link_name: "shop", target_link_url: url };
    case "hard_bounce":
      return refusal("bounce", "10", replyTo(report));
    case "soft_bounce":
      return refusal("bounce", "22", replyTo(report));
    case "blocked":
      return refusal("bounce", "52", replyTo(report));
    case "dropped":
      return refusal(
        "policy_rejection",
        "25",
        "554 5.7.1 recipient address suppressed due to customer policy",
      );
    case "complained":
      return { type: "spam_complaint", fbtype: "abuse", report_by: "mail.example.net" };
    case "unsubscribed":
      return { type: "list_unsubscribe", mailfrom: "bounces@example.com" };
    case "oddity":
      return { type: "rerouted" };
    default:
      return { type: "delivery", num_retries: "0", queue_time: "1200" };
  }
}

function refusal(type: string, bounceClass: string, reply: string): Record<string, unknown> {
  const error_code = reply.slice(0, 3);
  return { type, bounce_class: bounceClass, error_code, reason: reply, raw_reason: reply, num_retries: "0" };
}
