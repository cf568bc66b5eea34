// Postal (https://docs.postalserver.io/developer/webhooks), a self-hosted mail server: one report per request, signed
// with the installation's RSA key. Times are floating-point seconds, and the mails' ids count up.

import { createHash, createSign, generateKeyPairSync } from "node:crypto";
import { allBut, hexOf, post, seconds, uuidOf } from "../requests.ts";
import { replyTo } from "../replies.ts";
import type { Random } from "../random.ts";
import type { Dialect, Happening, Report } from "../types.ts";

const KEYS = generateKeyPairSync("rsa", { modulusLength: 2048 });
const PUBLIC_KEY = KEYS.publicKey.export({ type: "spki", format: "der" }).toString("base64");
const KEY_ID = createHash("sha256")
  .update(KEYS.publicKey.export({ type: "pkcs1", format: "der" }))
  .digest("hex");

type Attempt = readonly [event: string, status: string, details: string, output?: string];
const SENT: Attempt = [
  "MessageSent",
  "Sent",
  "Message sent by SMTP to mx.example.com (203.0.113.25)",
  "250 2.0.0 OK\n",
];
const REFUSED = "Permanent SMTP delivery error when sending to mx.example.com";
const DELAYED = "Temporary SMTP delivery error when sending to mx.example.com";
const ATTEMPTS: Partial<Record<Happening, Attempt>> = {
  queued: ["MessageHeld", "Held", "Server is in development mode. All outgoing messages are held."],
  hard_bounce: ["MessageDeliveryFailed", "HardFail", REFUSED],
  soft_bounce: ["MessageDelayed", "SoftFail", DELAYED],
  blocked: ["MessageDeliveryFailed", "HardFail", REFUSED],
  dropped: ["MessageHeld", "Held", "Recipient ({to}) is on the suppression list (reason: hard fail)"],
  oddity: ["MessageRerouted", "Rerouted", "Message sent by another server"],
};

export const postal: Dialect = {
  source: "postal",
  // The record that `postal default-dkim-record` prints.
  credentials: `v=DKIM1; t=s; h=sha256; p=${PUBLIC_KEY};`,
  knows: allBut("sent", "complained", "unsubscribed"),
  // Postal tries again, and reports a final failure with another word.
  becomes: { soft_bounce: "deferred" },
  tellsCampaign: false, // only its tag does
  // Other mails, above all the bounces, take numbers in between.
  makeId: (random, previous) => String(Number(previous ?? random.digits(5)) + random.between(2, 9)),
  most: 1,
  compose: (reports, random) => post("postal", reports.map((report) => elementOf(report, random))[0] ?? ""),
  sign: (request) => {
    const signedBy = (hash: string): string =>
      createSign(hash)
        .update(request.body ?? "")
        .sign(KEYS.privateKey, "base64");
    const headers = {
      "x-postal-signature": signedBy("sha1"),
      "x-postal-signature-256": signedBy("sha256"),
      "x-postal-signature-kid": KEY_ID,
    };
    return { ...request, headers: { ...request.headers, ...headers } };
  },
};

function elementOf(report: Report, random: Random): Record<string, unknown> {
  const [event, payload] = payloadOf(report);
  // Two webhooks that report one event use two uuids, and every retry repeats its own.
  const uuid = uuidOf(report, random.pick(["webhook 1", "webhook 2"]));
  return { event, timestamp: float(seconds(report)), payload, uuid };
}

function payloadOf(report: Report): [event: string, payload: Record<string, unknown>] {
  const { mail, what, url, ip, agent } = report;
  const message = messageOf(report);
  const seen = { ip_address: ip, user_agent: agent, message };
  if (what === "opened") return ["MessageLoaded", seen];
  if (what === "clicked") return ["MessageLinkClicked", { url, token: hexOf(report, 8, "link"), ...seen }];
  // Some mails are refused at once, other refusals come back by mail.
  if (what === "hard_bounce" && Number(mail.id) % 2 === 0)
    return ["MessageBounced", { original_message: message, bounce: bounceOf(report) }];
  const [event, status, words, output = replyTo(report) || null] = ATTEMPTS[what] ?? SENT;
  const details = words.replace("{to}", mail.contact);
  const timestamp = float(seconds(report));
  return [event, { status, details, output, sent_with_ssl: true, timestamp, time: 0.22, message }];
}

function messageOf(report: Report): Record<string, unknown> {
  const { mail } = report;
  return {
    id: Number(mail.id),
    token: tokenOf(report),
    direction: "outgoing",
    message_id: `${mail.customId}@shop.example.com`,
    to: mail.contact,
    from: "news@shop.example.com",
    subject: "Something for you",
    timestamp: float(mail.sentAt / 1000),
    spam_status: "NotSpam",
    tag: mail.campaign,
  };
}

/** The mail in which the refusal came back, to the address that identifies the sent mail. */
function bounceOf(report: Report): Record<string, unknown> {
  const { mail } = report;
  return {
    id: Number(mail.id) + 1,
    token: hexOf(report, 12),
    direction: "incoming",
    message_id: `${hexOf(report, 16)}@mx.example.com`,
    to: `${tokenOf(report)}@psrp.shop.example.com`,
    from: "mailer-daemon@mx.example.com",
    subject: "Undelivered Mail Returned to Sender",
    timestamp: float(seconds(report)),
    spam_status: "NotSpam",
    tag: null,
  };
}

/** The mail's own token, the same in all reports about it. */
function tokenOf(report: Report): string {
  return hexOf({ ...report, what: "queued", at: report.mail.sentAt }, 12);
}

/** A number as Ruby writes it: with a fraction, even if that is zero. */
function float(wholeSeconds: number) {
  return JSON.rawJSON(`${wholeSeconds}.0`);
}
