// Home-made systems: plain JSON with the field names and words that such systems share. There are two of them: one on
// the internet, which groups reports, and one that may post only from inside the company's network.

import { allBut, isEngagement, post, withBasic, withBearer, withHeader } from "../requests.ts";
import { replyTo } from "../replies.ts";
import type { Random } from "../random.ts";
import type { Dialect, Happening, Report } from "../types.ts";

const WORDS: Readonly<Record<Happening, string>> = {
  queued: "email.queued",
  sent: "sent",
  delivered: "delivered",
  opened: "open",
  clicked: "link_clicked",
  hard_bounce: "bounce",
  soft_bounce: "soft_bounce",
  blocked: "blocked",
  dropped: "suppressed",
  complained: "spam_report",
  unsubscribed: "unsubscribe",
  oddity: "survey_answered",
};

const PASSWORD = "demo:demo-only-password";
const TOKEN = "demo-only-generic";

export const generic: Dialect = {
  source: "generic",
  credentials: [PASSWORD, TOKEN],
  knows: allBut(),
  tellsCampaign: true,
  makeId: makeMailId,
  most: 20,
  compose: (reports, random) => {
    const elements = reports.map(elementOf);
    if (elements.length === 1) return post("generic", elements[0]);
    return post("generic", random.chance(0.5) ? elements : { events: elements });
  },
  // The same system sends both ways, to show that either credential is accepted.
  sign: (request) =>
    (request.body ?? "").length % 2 === 0 ? withBasic(PASSWORD)(request) : withBearer(TOKEN)(request),
  tests: () => [{ ...post("generic", { event: "test" }), pings: 1 }],
};

const INTRANET_TOKEN = "demo-only-intranet";
/** An address within the list that intranet allows. */
const INSIDE = "10.20.30.40";

export const intranet: Dialect = {
  source: "intranet",
  credentials: INTRANET_TOKEN,
  settings: { provider: "generic", ip_policy: "enforce", ips: ["10.0.0.0/8", "fd00::/8"] },
  knows: allBut(),
  tellsCampaign: true,
  makeId: makeMailId,
  most: 1,
  compose: (reports) => ({
    ...post("intranet", reports.map(elementOf)[0]),
    // Cloudflare passes the caller's address to the Worker in this header.
    headers: { "content-type": "application/json", "cf-connecting-ip": INSIDE },
  }),
  sign: withBearer(INTRANET_TOKEN),
};

/** Replaces the address by one that is not in the list. */
export const outsideIntranet = withHeader("cf-connecting-ip", "203.0.113.9");

function makeMailId(random: Random): string {
  return `<${random.digits(14)}@mail.example.com>`;
}

function elementOf(report: Report): Record<string, unknown> {
  const { mail, what, at, url, ip, agent } = report;
  return {
    event: WORDS[what],
    timestamp: new Date(at).toISOString(),
    email: mail.contact,
    message_id: mail.id,
    campaign_id: mail.campaign,
    custom_id: mail.customId,
    ...(what === "clicked" ? { link_url: url } : {}),
    ...(isEngagement(report) ? { ip_address: ip, user_agent: agent } : {}),
    ...(what === "hard_bounce" ? { bounce_type: "hard", reason: replyTo(report) } : {}),
  };
}
