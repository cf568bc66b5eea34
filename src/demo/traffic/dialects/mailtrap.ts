// Mailtrap (https://docs.mailtrap.io/email-api-smtp/advanced/webhooks): groups as one document or as JSON Lines, as
// each webhook is configured; every webhook has its own secret, for the HMAC-SHA256 over the body.

import { createHmac, randomBytes } from "node:crypto";
import { allBut, isEngagement, post, seconds, uuidFrom, uuidOf } from "../requests.ts";
import { replyTo } from "../replies.ts";
import type { Dialect, Report } from "../types.ts";

/** There are two webhooks, one of each format; the source has the secrets of both. */
const DOCUMENT_SECRET = randomBytes(16).toString("hex");
const LINES_SECRET = randomBytes(16).toString("hex");
const DOCUMENT_START = '{"events":';

export const mailtrap: Dialect = {
  source: "mailtrap",
  credentials: [DOCUMENT_SECRET, LINES_SECRET],
  knows: allBut("queued", "sent"),
  tellsCampaign: false,
  makeId: (random) => uuidFrom(BigInt(random.digits(38)).toString(16).padStart(32, "0")),
  most: 50,
  compose: (reports, random) => {
    const events = reports.map(element);
    if (random.chance(0.5)) return post("mailtrap", { events });
    return post("mailtrap", events.map((event) => `${JSON.stringify(event)}\n`).join(""));
  },
  sign: (request) => {
    const body = request.body ?? "";
    const secret = body.startsWith(DOCUMENT_START) ? DOCUMENT_SECRET : LINES_SECRET;
    const signature = createHmac("sha256", secret).update(body).digest("hex");
    return { ...request, headers: { ...request.headers, "mailtrap-signature": signature } };
  },
};

function element(report: Report): Record<string, unknown> {
  const { mail, ip, agent } = report;
  return {
    ...wordsFor(report),
    event_id: uuidOf(report),
    message_id: mail.id,
    email: mail.contact,
    timestamp: seconds(report),
    sending_stream: "bulk",
    sending_domain_name: "shop.example.com",
    category: mail.campaign,
    custom_variables: { order: mail.customId },
    ...(isEngagement(report) ? { ip, user_agent: agent } : {}),
  };
}

function wordsFor(report: Report): Record<string, unknown> {
  const { what, url, ip, agent } = report;
  switch (what) {
    case "opened":
      return { event: "open" };
    case "clicked":
      return { event: "click", url };
    case "hard_bounce":
      return bounce("bounce", "bounced", replyTo(report), "bad-mailbox");
    case "soft_bounce":
      return bounce("soft bounce", "soft bounced", replyTo(report), "quota-issues");
    case "blocked":
      return bounce("bounce", "bounced", replyTo(report), "spam-related");
    case "dropped":
      return { event: "reject", reason: "Recipient in suppression list" };
    case "complained":
      return { event: "spam" };
    case "unsubscribed":
      return { event: "unsubscribe", ip, user_agent: agent };
    case "oddity":
      return { event: "rerouted" };
    default:
      return { event: "delivery" };
  }
}

function bounce(event: string, verb: string, reply: string, category: string): Record<string, unknown> {
  const response_code = Number(reply.slice(0, 3));
  return { event, response: `${verb} (${reply})`, response_code, bounce_category: category };
}
