// Mandrill, now Mailchimp Transactional (https://mailchimp.com/developer/transactional/docs/webhooks/): a form with one
// field that contains a JSON array, signed with HMAC-SHA1 over the configured URL, the field's name and its decoded
// value.

import { createHmac, randomBytes } from "node:crypto";
import { allBut, isEngagement, postForm, seconds } from "../requests.ts";
import { replyTo } from "../replies.ts";
import type { Dialect, SignedRequest, Report } from "../types.ts";

const URL_SIGNED = "https://hooks.example.com/webhooks/mandrill";
const KEY = randomBytes(16).toString("base64url");
/**
 * The same key for all customers: it signs the empty post that checks a new webhook, before the webhook's own key is
 * shown.
 */
const FIRST_KEY = "test-webhook";
const FIRST_POST = carry([]);

export const mandrill: Dialect = {
  source: "mandrill",
  credentials: KEY,
  settings: { url: URL_SIGNED },
  knows: allBut("queued"),
  tellsCampaign: false,
  makeId: (random) => BigInt(random.digits(38)).toString(16).padStart(32, "0"),
  most: 50,
  compose: (reports) => carry(reports.map(element)),
  // The backup path gets diverted requests, so they, too, are signed for the configured URL.
  sign: (request) => {
    const form = [...new URLSearchParams(request.body ?? "")].flat().join("");
    const key = request.body === FIRST_POST.body ? FIRST_KEY : KEY;
    const signature = createHmac("sha1", key).update(`${URL_SIGNED}${form}`).digest("base64");
    return { ...request, headers: { ...request.headers, "x-mandrill-signature": signature } };
  },
  tests: () => [
    { ...FIRST_POST, pings: 0 }, // signed with a public key, so nothing is kept of it
    { ...carry([sample("send"), sample("hard_bounce"), SYNC_SAMPLE]), pings: 3 },
  ],
};

function carry(events: readonly unknown[]): SignedRequest {
  const request = postForm("mandrill", { mandrill_events: JSON.stringify(events) });
  return { ...request, headers: { ...request.headers, "user-agent": "Mandrill-Webhook/1.0" } };
}

function element(report: Report): Record<string, unknown> {
  const { mail, what, url, ip, agent } = report;
  const { event, ...words } = wordsFor(report);
  const msg = {
    ts: mail.sentAt / 1000, // the time when the mail was sent
    _id: mail.id,
    state: "sent",
    subject: "News from the shop",
    email: mail.contact,
    sender: "shop@example.com",
    tags: [mail.campaign],
    metadata: { order: mail.customId },
    smtp_events: [],
    opens: [],
    clicks: [],
    ...words,
  };
  return {
    event,
    _id: mail.id, // the mail's id, the same in all its events
    ts: seconds(report),
    msg,
    ...(what === "clicked" ? { url } : {}),
    ...(isEngagement(report)
      ? { ip, user_agent: agent, location: { country_short: "FR", country: "France" } }
      : {}),
  };
}

/** The event's name, and the fields that it changes in `msg`. */
function wordsFor(report: Report): { event: string; [word: string]: unknown } {
  switch (report.what) {
    case "sent":
      return { event: "send" };
    case "opened":
      return { event: "open", opens: [{ ts: seconds(report) }] };
    case "clicked":
      return { event: "click", clicks: [{ ts: seconds(report), url: report.url }] };
    case "hard_bounce":
      return bounce("hard_bounce", "bounced", "bad_mailbox", 10, replyTo(report));
    case "soft_bounce":
      return bounce("soft_bounce", "soft-bounced", "mailbox_full", 22, replyTo(report));
    case "blocked":
      return bounce("soft_bounce", "soft-bounced", "general", 52, replyTo(report));
    case "dropped":
      return { event: "reject", state: "rejected", reject: { reason: "hard-bounce" } };
    case "complained":
      return { event: "spam", state: "spam" };
    case "unsubscribed":
      return { event: "unsub", state: "unsub" };
    case "oddity":
      return { event: "forward" };
    default: {
      const smtpEvent = {
        ts: seconds(report),
        type: "delivered",
        diag: "250 2.0.0 OK",
        source_ip: "192.0.2.26",
      };
      return { event: "delivered", smtp_events: [smtpEvent] };
    }
  }
}

function bounce(event: string, state: string, bounce_description: string, code: number, reply: string) {
  return { event, state, bounce_description, bgtools_code: code, diag: `smtp;${reply}` };
}

/** A sample as the button "Send Test" posts it: one for each kind of event, about one invented mail. */
function sample(event: string): Record<string, unknown> {
  const id = `example${"a".repeat(25)}`;
  const msg = { ts: 1_365_109_999, _id: id, state: "sent", email: "example.webhook@mandrillapp.com" };
  return { event, _id: id, ts: 1_384_954_004, msg };
}

const SYNC_SAMPLE = {
  type: "blacklist",
  action: "add",
  reject: { reason: "hard-bounce", detail: "Example detail", email: "example.webhook@mandrillapp.com" },
  ts: 1_384_954_004,
};
