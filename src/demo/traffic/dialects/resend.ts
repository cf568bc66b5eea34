// Resend (https://resend.com/docs/webhooks/introduction): one event per request, signed by Svix
// (https://docs.svix.com/receiving/verifying-payloads/how-manual); the event's id is in a header only.

import { createHmac, randomBytes } from "node:crypto";
import { allBut, hexOf, post, uuidFrom } from "../requests.ts";
import { replyTo } from "../replies.ts";
import type { Dialect, SignedRequest, Report } from "../types.ts";

const KEY = randomBytes(24);

export const resend: Dialect = {
  source: "resend",
  credentials: `whsec_${KEY.toString("base64")}`,
  // It also reports unsubscribes, but about the contact, without the mail.
  knows: allBut("unsubscribed"),
  // Only broadcasts have an id, which counts as a campaign; these are single mails with tags.
  tellsCampaign: false,
  makeId: (random) => uuidFrom(random.digits(32)),
  most: 1,
  compose: (reports) => reports.map(requestOf)[0] ?? post("resend", {}),
  sign: (request, now) => {
    const timestamp = String(Math.floor(now / 1000));
    const signature = createHmac("sha256", KEY)
      .update(`${request.headers["svix-id"] ?? ""}.${timestamp}.${request.body ?? ""}`)
      .digest("base64");
    const headers = { "svix-timestamp": timestamp, "svix-signature": `v1,${signature}` };
    return { ...request, headers: { ...request.headers, ...headers } };
  },
};

function requestOf(report: Report): SignedRequest {
  const { mail, at } = report;
  const { type, ...details } = wordsFor(report);
  const body = {
    type,
    created_at: new Date(at).toISOString(),
    data: {
      created_at: new Date(mail.sentAt).toISOString(),
      email_id: mail.id,
      message_id: `<${mail.id}@mail.example.com>`,
      from: "Shop <news@shop.example.com>",
      to: [mail.contact],
      subject: "Your order",
      tags: { campaign: mail.campaign, order: mail.customId },
      ...details,
    },
  };
  // 27 letters and digits, the same on every attempt.
  const id = Buffer.from(hexOf(report, 48), "hex").toString("base64url").replaceAll(/[-_]/g, "0");
  return post("resend", body, { "svix-id": `msg_${id.slice(0, 27)}` });
}

function wordsFor(report: Report): Record<string, unknown> {
  const { what, at, url, ip, agent } = report;
  switch (what) {
    case "queued":
      return { type: "email.scheduled" };
    case "sent":
      return { type: "email.sent" };
    // For an open, unlike a click, nothing else is documented.
    case "opened":
      return { type: "email.opened" };
    case "clicked": {
      const click = { ipAddress: ip, link: url, timestamp: new Date(at).toISOString(), userAgent: agent };
      return { type: "email.clicked", click };
    }
    case "hard_bounce":
      return bounced("Permanent", "General", replyTo(report));
    case "soft_bounce":
      return bounced("Transient", "MailboxFull", replyTo(report));
    case "blocked":
      return bounced("Transient", "ContentRejected", replyTo(report));
    case "dropped":
      return {
        type: "email.suppressed",
        suppressed: {
          message: "The address is on the account's suppression list.",
          type: "OnAccountSuppressionList",
        },
      };
    case "complained":
      return { type: "email.complained" };
    case "oddity":
      return { type: "email.forwarded" };
    default:
      return { type: "email.delivered" };
  }
}

function bounced(type: string, subType: string, reply: string): Record<string, unknown> {
  const message = "The recipient's mail server sent a bounce message.";
  return { type: "email.bounced", bounce: { type, subType, message, diagnosticCode: [`smtp; ${reply}`] } };
}
