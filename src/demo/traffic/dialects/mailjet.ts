// Mailjet (https://dev.mailjet.com/email/guides/webhooks/): single objects (version 1) or arrays (version 2), with
// basic auth.

import { allBut, post, withBasic } from "../requests.ts";
import { replyTo } from "../replies.ts";
import type { Random } from "../random.ts";
import type { Dialect, Report } from "../types.ts";

const CREDENTIAL = "mailjet:demo-only-password";

export const mailjet: Dialect = {
  source: "mailjet",
  credentials: CREDENTIAL,
  knows: allBut("queued", "sent"),
  tellsCampaign: true,
  makeId,
  most: 50,
  compose: (reports, random) => {
    const [first, ...others] = reports.map(mailjetElement);
    // Version 1 posts the bare object, version 2 always an array.
    if (first !== undefined && others.length === 0 && random.chance(0.8)) return post("mailjet", first);
    return post("mailjet", arrayOf(reports.map(mailjetElement)));
  },
  sign: withBasic(CREDENTIAL),
  tests: (_random, now) => {
    const test = testPost(now);
    return [
      { ...post("mailjet", test), pings: 1 },
      { ...post("mailjet", arrayOf([test, test])), pings: 2 },
      { ...post("mailjet", ""), pings: 1 },
    ];
  },
};

/** 17 to 19 digits, and often the previous id plus one: as floating-point numbers the two would be equal. */
function makeId(random: Random, previous: string | null): string {
  return previous !== null && random.chance(0.5)
    ? String(BigInt(previous) + 1n)
    : random.pick(["1", "2", "7"]) + random.digits(random.between(16, 18));
}

/**
 * The text of a JSON array. It is concatenated, because the elements are texts already, with numbers that JavaScript
 * would round.
 */
export function arrayOf(elements: readonly string[]): string {
  return `[${elements.join(",")}]`;
}

/** The element's JSON text: MessageID is a number of up to 19 digits, which no JavaScript number holds. */
export function mailjetElement(report: Report): string {
  const { mail } = report;
  return JSON.stringify({
    ...wordsFor(report),
    time: report.at / 1000,
    MessageID: JSON.rawJSON(mail.id),
    Message_GUID: guidOf(mail.id),
    email: mail.contact,
    mj_campaign_id: 7_000 + mail.campaign.length,
    mj_contact_id: Number(mail.customId.slice(6)),
    customcampaign: mail.campaign,
    CustomID: mail.customId,
    Payload: JSON.stringify({ order: mail.customId }),
  });
}

function wordsFor(report: Report): Record<string, unknown> {
  const { what, url, ip, agent } = report;
  switch (what) {
    case "opened":
      return { event: "open", ip, geo: "FR", agent };
    case "clicked":
      return { event: "click", url, ip, geo: "FR", agent };
    case "hard_bounce":
      return {
        event: "bounce",
        blocked: false,
        hard_bounce: true,
        error_related_to: "recipient",
        error: "user unknown",
        comment: replyTo(report),
      };
    case "soft_bounce":
      return {
        event: "bounce",
        blocked: false,
        hard_bounce: false,
        error_related_to: "mailbox",
        error: "quota exceeded",
        comment: replyTo(report),
      };
    case "blocked":
      return {
        event: "blocked",
        error_related_to: "spam",
        error: "content blocked",
        comment: replyTo(report),
      };
    case "dropped":
      return { event: "blocked", error_related_to: "mailjet", error: "preblocked" };
    case "complained":
      return { event: "spam", source: "JMRPP" };
    case "unsubscribed":
      return { event: "unsub", mj_list_id: 42, ip, geo: "FR", agent };
    case "oddity":
      return { event: "typofix" };
    default:
      return { event: "sent", mj_message_id: "", smtp_reply: "250 2.0.0 OK: queued" };
  }
}

function guidOf(id: string): string {
  const hex = BigInt(id).toString(16).padStart(16, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(12, 15)}-8000-${hex.slice(4, 16)}`;
}

/** The post of the "send test" button in Mailjet's settings: a real time, but no mail. */
function testPost(now: number): string {
  return JSON.stringify({
    event: "open",
    time: Math.floor(now / 1000),
    MessageID: 0,
    email: "",
    mj_campaign_id: 0,
    CustomID: "",
    Payload: "",
    ip: "",
    geo: "",
    agent: "",
  });
}
