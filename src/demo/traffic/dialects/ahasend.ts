// AhaSend (https://ahasend.com/docs/api-reference/webhooks/retry-policy): one report per request, in the form of
// Standard Webhooks, but with the whole text of the secret as the key.

import { createHmac, randomBytes } from "node:crypto";
import { allBut, hexOf, isEngagement, post, uuidFrom } from "../requests.ts";
import { replyTo } from "../replies.ts";
import type { Dialect, Happening, SignedRequest, Report } from "../types.ts";

const SECRET = `aha-whsec-${randomBytes(24).toString("base64url")}`;
const ACCOUNT = "4cdd7bcd-294e-4762-892f-83d40abf5a87";

const WORDS: Partial<Record<Happening, string>> = {
  queued: "reception",
  delivered: "delivered",
  opened: "opened",
  clicked: "clicked",
  hard_bounce: "bounced",
  soft_bounce: "transient_error",
  blocked: "bounced",
  dropped: "suppressed",
  oddity: "rerouted",
};

export const ahasend: Dialect = {
  source: "ahasend",
  credentials: SECRET,
  knows: allBut("sent", "complained", "unsubscribed"),
  // AhaSend tries again, and reports a final failure with another word.
  becomes: { soft_bounce: "deferred" },
  tellsCampaign: false, // only its tags do
  makeId: (random) => `<${uuidFrom(random.digits(32))}@ahasend.example>`,
  most: 1,
  compose: (reports) => reports.map(requestOf)[0] ?? post("ahasend", ""),
  sign: (request, now) => {
    const timestamp = String(Math.floor(now / 1000));
    const signature = createHmac("sha256", SECRET)
      .update(`${request.headers["webhook-id"] ?? ""}.${timestamp}.${request.body ?? ""}`)
      .digest("base64");
    const headers = { "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}` };
    return { ...request, headers: { ...request.headers, ...headers } };
  },
};

/** The request for a report. The id is the event's, and every attempt repeats it. */
function requestOf(report: Report): SignedRequest {
  return post("ahasend", elementOf(report), { "webhook-id": `msg_${hexOf(report, 27)}` });
}

function elementOf(report: Report): Record<string, unknown> {
  const { mail, what, at, url, ip, agent } = report;
  const word = WORDS[what] ?? what;
  return {
    type: `message.${word}`,
    // With microseconds.
    timestamp: new Date(at).toISOString().replace("Z", "000Z"),
    data: {
      account_id: ACCOUNT,
      event: `on_${word}`,
      from: "news@shop.example.com",
      recipient: mail.contact,
      subject: "Something for you",
      message_id_header: `<${mail.customId}@shop.example.com>`,
      id: mail.id,
      tags: [mail.campaign],
      ...(what === "clicked" ? { url } : {}),
      ...(isEngagement(report) ? { ip, user_agent: agent, is_bot: false } : {}),
      ...reasonFor(report),
    },
  };
}

function reasonFor(report: Report): { reason?: string } {
  switch (report.what) {
    case "hard_bounce":
    case "soft_bounce":
    case "blocked":
      return { reason: replyTo(report) };
    case "dropped":
      return { reason: "The recipient is on the suppression list" };
    default:
      return {};
  }
}
