// Lettermint (https://docs.lettermint.co/, https://github.com/lettermint/lettermint-node): one report per request,
// signed with an HMAC over the attempt's time and the body.

import { createHmac, randomBytes } from "node:crypto";
import { allBut, isEngagement, post, uuidFrom, uuidOf } from "../requests.ts";
import { enhancedOf, replyTo } from "../replies.ts";
import type { Random } from "../random.ts";
import type { Dialect, Happening, SignedRequest, Report } from "../types.ts";

const SECRET = `whsec_${randomBytes(24).toString("base64url")}`;

const WORDS: Readonly<Record<Happening, string>> = {
  queued: "created",
  sent: "sent",
  delivered: "delivered",
  opened: "opened",
  clicked: "clicked",
  hard_bounce: "hard_bounced",
  soft_bounce: "soft_bounced",
  blocked: "hard_bounced", // only the server's reply shows that the content was refused
  dropped: "suppressed",
  complained: "spam_complaint",
  unsubscribed: "unsubscribed",
  oddity: "printed",
};

export const lettermint: Dialect = {
  source: "lettermint",
  credentials: SECRET,
  knows: allBut(),
  tellsCampaign: false, // only its tag does
  makeId: (random) => uuidFrom(random.digits(32)),
  most: 1,
  compose: (reports, random) =>
    reports.map((report) => requestOf(report, random))[0] ?? post("lettermint", ""),
  sign: (request, now) => {
    const timestamp = String(Math.floor(now / 1000));
    const signature = createHmac("sha256", SECRET)
      .update(`${timestamp}.${request.body ?? ""}`)
      .digest("hex");
    const headers = {
      "x-lettermint-signature": `t=${timestamp},v1=${signature}`,
      "x-lettermint-delivery": timestamp,
    };
    return { ...request, headers: { ...request.headers, ...headers } };
  },
  tests: (random, now) => {
    const data = { message: "This is a test webhook" };
    return [{ ...envelope("webhook.test", uuidFrom(random.digits(32)), now, data, random), pings: 1 }];
  },
};

function requestOf(report: Report, random: Random): SignedRequest {
  return envelope(`message.${WORDS[report.what]}`, uuidOf(report), report.at, dataOf(report), random);
}

function envelope(event: string, id: string, at: number, data: unknown, random: Random): SignedRequest {
  const headers = { "x-lettermint-event": event, "x-lettermint-attempt": String(random.between(1, 3)) };
  // With microseconds.
  const created_at = new Date(at).toISOString().replace("Z", "000Z");
  return post("lettermint", { id, event, created_at, data }, headers);
}

function dataOf(report: Report): Record<string, unknown> {
  const { mail, what, url, ip, agent } = report;
  const addressed = { from: "news@shop.example.com", to: [mail.contact], cc: [], bcc: [] };
  return {
    message_id: mail.id,
    subject: "Something for you",
    metadata: { order: mail.customId },
    tag: mail.campaign,
    // A new message is reported as a whole.
    ...(what === "queued" ? addressed : { recipient: mail.contact }),
    ...(what === "clicked" ? { url } : {}),
    ...(isEngagement(report) ? { ip, user_agent: agent, is_machine: false } : {}),
    ...outcomeOf(report),
  };
}

function outcomeOf(report: Report): { response?: unknown; reason?: string } {
  switch (report.what) {
    case "delivered":
      return { response: inParts("250 2.0.0 OK") };
    case "hard_bounce":
    case "soft_bounce":
    case "blocked":
      return { response: inParts(replyTo(report)) };
    case "dropped":
      return { reason: "hard_bounce" };
    default:
      return {};
  }
}

function inParts(reply: string): Record<string, unknown> {
  const [status_code, enhanced_status_code] = [Number(reply.slice(0, 3)), enhancedOf(reply)];
  return { status_code, enhanced_status_code, content: reply.slice(4) };
}
