// Brevo (https://developers.brevo.com/docs/transactional-webhooks): one object per request, or arrays if the webhook is
// batched (https://developers.brevo.com/docs/batch-webhooks). Nothing is signed; a bearer token is set at creation
// (https://developers.brevo.com/docs/secured-webhooks).

import { allBut, post, withBearer } from "../requests.ts";
import { replyTo } from "../replies.ts";
import type { Random } from "../random.ts";
import type { Dialect, Report } from "../types.ts";
import { HOUR } from "../../../lib/time.ts";

const TOKEN = "demo-only-brevo-token";

export const brevo: Dialect = {
  source: "brevo",
  credentials: TOKEN,
  knows: allBut("sent"),
  // Only marketing mails name their campaign, and those have no message id.
  tellsCampaign: false,
  makeId: (random) => `<${random.digits(12)}.${random.digits(11)}@smtp-relay.example.com>`,
  most: 50,
  compose: (reports, random) => {
    const elements = reports.map((report) => elementOf(report, random));
    return post("brevo", elements.length === 1 ? elements[0] : elements);
  },
  sign: withBearer(TOKEN),
};

function elementOf(report: Report, random: Random): Record<string, unknown> {
  const { mail, at } = report;
  // All times but `ts_epoch` are in the account's time zone, here one hour ahead.
  const local = at + HOUR;
  return {
    ...wordsFor(report, random),
    email: mail.contact,
    id: 26_224, // the webhook's id
    date: new Date(local).toISOString().slice(0, 19).replace("T", " "),
    ts: local / 1000,
    ts_event: local / 1000,
    ts_epoch: at,
    "message-id": mail.id,
    subject: "Your order",
    "X-Mailin-custom": mail.customId,
    template_id: 22,
    sending_ip: "192.0.2.9",
    tag: JSON.stringify([mail.campaign]),
    tags: [mail.campaign],
  };
}

function wordsFor(report: Report, random: Random): Record<string, unknown> {
  const { what, url, agent } = report;
  switch (what) {
    case "queued":
      return { event: "request" };
    // The first open is reported with either word and the same time: both are one event.
    case "opened":
      return { event: random.pick(["opened", "unique_opened"]), user_agent: agent };
    case "clicked":
      return { event: "click", link: url, user_agent: agent };
    case "hard_bounce":
      return { event: "hard_bounce", reason: replyTo(report) };
    case "soft_bounce":
      return { event: "soft_bounce", reason: replyTo(report) };
    // Brevo's own word "blocked" does not mean a refusal by the receiving server.
    case "blocked":
      return { event: "soft_bounce", reason: replyTo(report) };
    case "dropped":
      return { event: "blocked", reason: "blocked : due to blacklist user" };
    case "complained":
      return { event: "spam" };
    case "unsubscribed":
      return { event: "unsubscribed" };
    case "oddity":
      return { event: "forwarded" };
    default:
      return { event: "delivered" };
  }
}
