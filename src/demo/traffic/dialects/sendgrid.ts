// SendGrid (https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event): arrays whose batches overlap, signed
// with ECDSA over the time and the body, to which a last CRLF belongs.

import { createSign, generateKeyPairSync } from "node:crypto";
import { allBut, hexOf, isEngagement, post, seconds } from "../requests.ts";
import { enhancedOf, replyTo } from "../replies.ts";
import type { Random } from "../random.ts";
import type { Dialect, Report } from "../types.ts";

const KEYS = generateKeyPairSync("ec", { namedCurve: "P-256" });

export const sendgrid: Dialect = {
  source: "sendgrid",
  credentials: KEYS.publicKey.export({ type: "spki", format: "der" }).toString("base64"),
  knows: allBut("sent", "soft_bounce"),
  tellsCampaign: true,
  makeId: (random) => Buffer.from(random.digits(16)).toString("base64url"),
  most: 50,
  compose: (reports, random) =>
    post("sendgrid", `${JSON.stringify(reports.map((r) => element(r, random)))}\r\n`),
  sign: (request, now) => {
    const timestamp = String(Math.floor(now / 1000));
    const signature = createSign("sha256")
      .update(timestamp)
      .update(request.body ?? "")
      .sign(KEYS.privateKey, "base64");
    const headers = {
      "x-twilio-email-event-webhook-timestamp": timestamp,
      "x-twilio-email-event-webhook-signature": signature,
    };
    return { ...request, headers: { ...request.headers, ...headers } };
  },
  tests: (random) => [
    { ...post("sendgrid", [testEvent("processed", random), testEvent("open", random)]), pings: 2 },
  ],
};

function element(report: Report, random: Random): Record<string, unknown> {
  const { mail, ip, agent } = report;
  return {
    ...wordsFor(report),
    email: mail.contact,
    timestamp: seconds(report),
    // The routing after the dot belongs to the mail; the event's own id may differ on every delivery.
    sg_message_id: `${mail.id}.recvd-${hexOf({ ...report, what: "queued", at: mail.sentAt }, 8)}-1`,
    sg_event_id: random.digits(22),
    category: [mail.campaign],
    marketing_campaign_name: mail.campaign,
    order: mail.customId,
    ...(isEngagement(report) ? { ip, useragent: agent } : {}),
  };
}

function wordsFor(report: Report): Record<string, unknown> {
  const { what, url } = report;
  switch (what) {
    case "queued":
      return { event: "processed" };
    case "opened":
      return { event: "open", sg_machine_open: false };
    case "clicked":
      return { event: "click", url, url_offset: { index: 0, type: "html" } };
    case "hard_bounce":
      return {
        event: "bounce",
        type: "bounce",
        reason: replyTo(report),
        status: enhancedOf(replyTo(report)),
      };
    case "blocked":
      return {
        event: "bounce",
        type: "blocked",
        reason: replyTo(report),
        status: enhancedOf(replyTo(report)),
      };
    case "dropped":
      return { event: "dropped", reason: "Bounced Address", status: "5.0.0" };
    case "complained":
      return { event: "spamreport" };
    case "unsubscribed":
      return { event: "group_unsubscribe", asm_group_id: 42 };
    case "oddity":
      return { event: "list_import" };
    default:
      return { event: "delivered", response: "250 OK" };
  }
}

/** An event as the button "Test Your Integration" posts it. */
function testEvent(event: string, random: Random): Record<string, unknown> {
  return {
    email: "example@test.com",
    timestamp: 1_795_000_000,
    "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>",
    event,
    sg_event_id: random.digits(22),
    sg_message_id: "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
  };
}
