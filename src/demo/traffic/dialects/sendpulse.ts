// SendPulse's SMTP service (https://sendpulse.com/integrations/api/smtp#webhooks): an array every half minute, with the
// URL's password as basic auth. No event has an id of its own.

import { allBut, isEngagement, post, seconds, withBasic } from "../requests.ts";
import { replyTo } from "../replies.ts";
import type { Dialect, Report } from "../types.ts";

const CREDENTIAL = "sendpulse:demo-only-password";

export const sendpulse: Dialect = {
  source: "sendpulse",
  credentials: CREDENTIAL,
  knows: allBut("queued", "sent", "dropped"),
  tellsCampaign: false,
  // SendPulse numbers all mails, including those of other customers.
  makeId: (random, previous) =>
    previous === null ? random.digits(9) : String(Number(previous) + random.between(1, 40)),
  most: 50,
  compose: (reports) => post("sendpulse", reports.map(elementOf)),
  sign: withBasic(CREDENTIAL),
  // Posts without an event: how people try out the URL.
  tests: () => [
    { ...post("sendpulse", {}), pings: 1 },
    { ...post("sendpulse", ""), pings: 1 },
  ],
};

function elementOf(report: Report): Record<string, unknown> {
  const { mail, what, url, ip, agent } = report;
  return {
    ...answerTo(report),
    sender: "news@shop.example.com",
    timestamp: seconds(report),
    recipient: mail.contact,
    message_id: Number(mail.id),
    subject: `Your ${mail.campaign}`,
    event: wordFor(report),
    ...(what === "clicked" ? { link_url: url } : {}),
    ...(isEngagement(report) ? { ip, user_agent: agent } : {}),
  };
}

function wordFor({ what }: Report): string {
  switch (what) {
    case "opened":
      return "open";
    case "clicked":
      return "click";
    case "hard_bounce":
      return "hard_bounces";
    case "soft_bounce":
      return "soft_bounces";
    case "blocked":
      // A block has no word of its own; only the reply shows that it is not about the address.
      return "undelivered";
    case "complained":
      return "spam_by_user";
    case "unsubscribed":
      return "unsubscribed";
    case "oddity":
      return "forwarded";
    default:
      return "delivered";
  }
}

/** The receiving server's reply; without a reply the fields are present, but empty. */
function answerTo(report: Report): Record<string, unknown> {
  const { what } = report;
  switch (what) {
    case "delivered":
      return replied("250", "OK");
    case "hard_bounce":
    case "soft_bounce":
    case "blocked":
      return replied(replyTo(report).slice(0, 3), replyTo(report));
    default:
      return replied(null, null);
  }
}

function replied(code: string | null, words: string | null): Record<string, unknown> {
  return {
    smtp_server_response_code: code,
    smtp_server_response_subcode: "0",
    smtp_server_response: words,
  };
}
