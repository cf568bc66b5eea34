// Sweego (https://learn.sweego.io/docs/webhooks): one report per request, with hyphens or underscores in its words,
// signed as in Standard Webhooks, under a secret without prefix.

import { createHmac, randomBytes } from "node:crypto";
import { allBut, hexOf, isEngagement, post, uuidFrom, uuidOf } from "../requests.ts";
import { replyTo } from "../replies.ts";
import type { Dialect, SignedRequest, Report } from "../types.ts";
import { HOUR } from "../../../lib/time.ts";

const KEY = randomBytes(32);

export const sweego: Dialect = {
  source: "sweego",
  credentials: KEY.toString("base64"),
  knows: allBut("queued", "dropped"),
  tellsCampaign: true,
  makeId: (random) => uuidFrom(random.digits(32)),
  most: 1,
  compose: ([report]) => (report === undefined ? post("sweego", {}) : carry(report)),
  sign: (request, now) => {
    const timestamp = String(Math.floor(now / 1000));
    const signature = createHmac("sha256", KEY)
      .update(`${request.headers["webhook-id"]}.${timestamp}.${request.body}`)
      .digest("base64");
    const headers = { "webhook-timestamp": timestamp, "webhook-signature": signature };
    return { ...request, headers: { ...request.headers, ...headers } };
  },
};

/** The request for a report. The delivery's id is the same on every attempt, and is signed together with the body. */
function carry(report: Report): SignedRequest {
  return post("sweego", elementOf(report), { "webhook-id": uuidOf(report, "delivery") });
}

function elementOf(report: Report): Record<string, unknown> {
  const { mail, at, ip, agent } = report;
  return {
    ...wordsFor(report),
    timestamp: parisTime(at),
    // The id of one recipient's copy; the API returned the transaction's id when the mail was sent.
    swg_uid: `02-${uuidFrom(hexOf({ ...report, what: "sent", at: mail.sentAt }, 32))}`,
    event_id: uuidOf(report),
    channel: "email",
    headers: { "x-mailer": "Sweego", "x-transaction-id": mail.id },
    recipient: mail.contact,
    sender: "news@shop.example.com",
    campaign_id: mail.campaign,
    ...(isEngagement(report) ? { ip, user_agent: agent } : {}),
  };
}

function wordsFor(report: Report): Record<string, unknown> {
  const { what, url } = report;
  switch (what) {
    case "sent":
      return { event_type: "email_sent" };
    case "opened":
      return { event_type: "email_opened" };
    case "clicked":
      return { event_type: "email_clicked", url };
    case "hard_bounce":
      return { event_type: "hard_bounce", details: replyTo(report) };
    case "soft_bounce":
      return { event_type: "soft-bounce", details: replyTo(report) };
    case "blocked":
      // A block has no word of its own; only the reply shows that it is not about the address.
      return { event_type: "soft-bounce", details: replyTo(report) };
    case "complained":
      return { event_type: "complaint" };
    case "unsubscribed":
      return { event_type: "list_unsub" };
    case "oddity":
      return { event_type: "email_forwarded" };
    default:
      return { event_type: "delivered" };
  }
}

/** `2026-11-05T22:03:54+01:00`: Sweego's local time in winter, with its offset. */
function parisTime(ms: number): string {
  return `${new Date(ms + HOUR).toISOString().slice(0, 19)}+01:00`;
}
