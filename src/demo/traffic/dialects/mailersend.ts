// MailerSend (https://developers.mailersend.com/api/v1/webhooks.html): one activity per request, signed with
// HMAC-SHA256 over the body.

import { createHmac, randomBytes } from "node:crypto";
import { allBut, hexOf, post } from "../requests.ts";
import { replyTo } from "../replies.ts";
import type { Random } from "../random.ts";
import type { Dialect, Happening, Report } from "../types.ts";

const SECRET = randomBytes(24).toString("base64url");
/**
 * The same secret for all customers: it signs the post with which MailerSend checks, when a webhook is saved, that the
 * URL answers.
 */
const TEST_SECRET = "test_Am3L1GuOIc4blLUuHqAPxxwkZaJyEk8G";
const TEST_TYPE = "webhook.test";

/** Its words. A block has no word of its own: it is a bounce, and only the reply shows the difference. */
const WORDS: Partial<Record<Happening, string>> = {
  sent: "sent",
  delivered: "delivered",
  opened: "opened",
  clicked: "clicked",
  hard_bounce: "hard_bounced",
  soft_bounce: "soft_bounced",
  blocked: "hard_bounced",
  complained: "spam_complaint",
  unsubscribed: "unsubscribed",
  oddity: "forwarded",
};

export const mailersend: Dialect = {
  source: "mailersend",
  credentials: SECRET,
  knows: allBut("queued", "dropped"),
  tellsCampaign: false,
  makeId: (random) => BigInt(random.digits(28)).toString(16).padStart(24, "0"),
  most: 1,
  compose: (reports, random) =>
    post("mailersend", reports.map((report) => activity(report, random))[0] ?? {}),
  sign: (request) => {
    const body = request.body ?? "";
    const secret = body.startsWith(`{"type":"${TEST_TYPE}"`) ? TEST_SECRET : SECRET;
    const signature = createHmac("sha256", secret).update(body).digest("hex");
    return { ...request, headers: { ...request.headers, signature } };
  },
  tests: (_random, now) => {
    const test = { type: TEST_TYPE, domain_id: "yv69oxl5kl785kw2", created_at: isoMicroseconds(now) };
    return [{ ...post("mailersend", { ...test, data: { object: "test" } }), pings: 0 }]; // nothing is kept of it
  },
};

function activity(report: Report, random: Random): Record<string, unknown> {
  const { mail, what, at } = report;
  const sent = { ...report, what: "queued", at: mail.sentAt } as const;
  const type = WORDS[what] ?? what;
  const email = {
    object: "email",
    id: hexOf(sent, 24, "copy"), // the id of this recipient's copy
    created_at: isoMicroseconds(mail.sentAt),
    from: "shop@example.com",
    subject: "News from the shop",
    status: "sent",
    tags: [mail.campaign, mail.customId],
    message: { object: "message", id: mail.id, created_at: isoMicroseconds(mail.sentAt) },
    recipient: { object: "recipient", id: hexOf(sent, 24, "recipient"), email: mail.contact },
  };
  return {
    type: `activity.${type}`,
    domain_id: "yv69oxl5kl785kw2",
    // The time when the request was prepared, not when the event happened.
    created_at: isoMicroseconds(at + random.between(1_000, 20_000)),
    webhook_id: "2351ndgwr4zqx8ko",
    url: "https://hooks.example.com/webhooks/mailersend",
    data: {
      object: "activity",
      id: hexOf(report, 24),
      type,
      created_at: isoMicroseconds(at),
      email,
      morph: morphOf(report),
      template_id: "0z76k5jg0o3yeg2d",
    },
  };
}

/** The details of the activity, beside its name. */
function morphOf(report: Report): Record<string, unknown> | null {
  const { what, url, ip } = report;
  switch (what) {
    case "opened":
      return { object: "open", id: hexOf(report, 24, "open"), ip };
    case "clicked":
      return { object: "click", id: hexOf(report, 24, "click"), ip, url };
    case "hard_bounce":
    case "soft_bounce":
    case "blocked":
      return { object: "recipient_bounce", reason: replyTo(report) };
    case "complained":
      return { object: "spam_complaint", reason: null };
    case "unsubscribed":
      return {
        object: "recipient_unsubscribe",
        reason: "option_3",
        readable_reason: "I receive too many emails",
      };
    default:
      return null;
  }
}

/** `2026-11-18T11:06:40.000000Z`. */
function isoMicroseconds(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "000Z");
}
