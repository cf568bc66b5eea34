// ZeptoMail (https://www.zoho.com/zeptomail/help/webhooks.html): nested lists of messages and of their events' names,
// with a key in a header that the customer names. It reports no delivery, and no event has an id of its own.

import { isEngagement, post, uuidFrom, withHeader } from "../requests.ts";
import { replyTo } from "../replies.ts";
import type { Random } from "../random.ts";
import type { Dialect, Happening, SignedRequest, Report } from "../types.ts";

const KEY = "demo-only-zeptomail";
const KEY_HEADER = "X-Zeptomail-Key";

const WORDS: Partial<Record<Happening, string>> = {
  opened: "email_open",
  clicked: "email_link_click",
  hard_bounce: "hardbounce",
  soft_bounce: "softbounce",
  // A block has no word of its own; only the diagnostic message shows that it is not about the address.
  blocked: "hardbounce",
  complained: "feedback_loop",
  oddity: "email_forward",
};

export const zeptomail: Dialect = {
  source: "zeptomail",
  credentials: KEY,
  settings: { secret_header: KEY_HEADER },
  knows: ["opened", "clicked", "hard_bounce", "soft_bounce", "blocked", "complained", "oddity"],
  tellsCampaign: false,
  makeId: (random) => `2d6f.${random.digits(16)}.m1.${uuidFrom(random.digits(32))}`,
  most: 10,
  compose,
  sign: withHeader(KEY_HEADER.toLowerCase(), KEY),
  // Posts without an event: how people try out the URL.
  tests: () => [
    { ...post("zeptomail", {}), pings: 1 },
    { ...post("zeptomail", ""), pings: 1 },
  ],
};

function compose(reports: readonly Report[], random: Random): SignedRequest {
  return post("zeptomail", {
    event_name: [...new Set(reports.map(wordFor))],
    event_message: reports.map(messageOf),
    mailagent_key: "4a1b2c3d5e6f7a8b",
    // The id of the post, not of the reported event.
    webhook_request_id: uuidFrom(random.digits(32)),
  });
}

function wordFor({ what }: Report): string {
  return WORDS[what] ?? what;
}

function messageOf(report: Report): Record<string, unknown> {
  const { mail } = report;
  return {
    email_info: {
      email_reference: mail.id,
      client_reference: mail.customId,
      is_smtp_trigger: false,
      subject: `Your ${mail.campaign}`,
      bounce_address: "bounce@bounce.shop.example.com",
      to: [{ email_address: { address: mail.contact, name: "" } }],
      from: { address: "news@shop.example.com", name: "The shop" },
      processed_time: indianTime(mail.sentAt),
    },
    event_data: [{ details: [detailsOf(report)], object: wordFor(report) }],
    request_id: `req.${mail.id.slice(5, 21)}`,
  };
}

function detailsOf(report: Report): Record<string, unknown> {
  const { mail, what, at, url, ip, agent } = report;
  const time = indianTime(at);
  if (what === "hard_bounce" || what === "soft_bounce" || what === "blocked") {
    return {
      reason: what === "soft_bounce" ? "mailbox full" : what === "blocked" ? "spam-related" : "invalid",
      bounced_recipient: mail.contact,
      diagnostic_message: `smtp; ${replyTo(report)}`,
      time,
    };
  }
  if (!isEngagement(report)) return { time };
  return {
    ...(what === "clicked" ? { clicked_link: url } : {}),
    ip_address: ip,
    ip_location_info: { country_code: "IN", city: "Chennai" },
    user_agent: agent,
    time,
  };
}

/** `2026-11-05T22:03:54+05:30`: Zoho's local time in Chennai. */
function indianTime(ms: number): string {
  return `${new Date(ms + 19_800_000).toISOString().slice(0, 19)}+05:30`;
}
