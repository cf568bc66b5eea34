// Mailgun (https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhooks): one event per request, beside
// a signature that covers a time and a token.

import { createHmac, randomBytes } from "node:crypto";
import { allBut, hexOf, post, seconds } from "../requests.ts";
import { replyTo } from "../replies.ts";
import type { Dialect, Report } from "../types.ts";

const KEY = randomBytes(16).toString("hex");

export const mailgun: Dialect = {
  source: "mailgun",
  credentials: KEY,
  knows: allBut("sent"),
  // A failure is permanent or temporary, and after a temporary one Mailgun tries again.
  becomes: { soft_bounce: "deferred" },
  // Mailgun no longer has campaigns: the list is empty, and tags replace them.
  tellsCampaign: false,
  makeId: (random) => `${random.digits(14)}.1.${random.digits(16)}@mg.example.com`,
  most: 1,
  compose: (reports) => post("mailgun", { "event-data": reports.map(eventData)[0] ?? {} }),
  sign: (request, now) => {
    const timestamp = String(Math.floor(now / 1000));
    const token = randomBytes(25).toString("hex");
    const signature = createHmac("sha256", KEY)
      .update(timestamp + token)
      .digest("hex");
    const proof = JSON.stringify({ timestamp, token, signature });
    // Inserted as text, before the event's own field: the signature does not cover the event.
    return { ...request, body: (request.body ?? "").replace("{", () => `{"signature":${proof},`) };
  },
  // The post of "Test webhook".
  tests: (_random, now) =>
    ["delivered", "clicked"].map((event) => {
      const headers = { "message-id": "20130503182626.18666.16540@mg.example.com" };
      const sample = { event, id: "Ase7i2zsRYeDXztHGENqRA", timestamp: now / 1000, message: { headers } };
      const data = { ...sample, recipient: "alice@example.com", "recipient-domain": "example.com" };
      return { ...post("mailgun", { "event-data": data }), pings: 1 };
    }),
};

function eventData(report: Report): Record<string, unknown> {
  const { mail } = report;
  return {
    ...wordsFor(report),
    // 16 bytes as 22 characters.
    id: Buffer.from(hexOf(report, 32), "hex").toString("base64url"),
    timestamp: seconds(report),
    recipient: mail.contact,
    "recipient-domain": mail.contact.slice(mail.contact.indexOf("@") + 1),
    tags: [mail.campaign],
    campaigns: [],
    "user-variables": { order: mail.customId },
    message: {
      headers: {
        "message-id": mail.id,
        to: mail.contact,
        from: "news@shop.example.com",
        subject: "Your order",
      },
    },
  };
}

function wordsFor(report: Report): Record<string, unknown> {
  const { what, url, ip, agent } = report;
  const act = {
    "log-level": "info",
    ip,
    geolocation: { country: "FR", region: "Unknown", city: "Unknown" },
    "client-info": {
      "client-type": "browser",
      "user-agent": agent,
      bot: agent.includes("GoogleImageProxy") ? "gmail" : "",
    },
  };
  switch (what) {
    case "queued":
      return { event: "accepted", "log-level": "info" };
    case "opened":
      return { event: "opened", ...act };
    case "clicked":
      return { event: "clicked", ...act, url };
    case "unsubscribed":
      return { event: "unsubscribed", ...act };
    case "complained":
      return { event: "complained", "log-level": "warn" };
    case "hard_bounce":
      return failure("permanent", "bounce", replied(replyTo(report)));
    case "soft_bounce":
      return failure("temporary", "generic", { ...replied(replyTo(report)), "retry-seconds": 600 });
    case "blocked":
      return failure("permanent", "espblock", replied(replyTo(report)));
    case "dropped":
      return failure("permanent", "suppress-bounce", {
        code: 605,
        message: "",
        description: "Not delivering to previously bounced address",
      });
    case "oddity":
      return { event: "forwarded", "log-level": "info" };
    default:
      return { event: "delivered", "log-level": "info", "delivery-status": replied("250 OK") };
  }
}

function failure(severity: string, reason: string, status: Record<string, unknown>): Record<string, unknown> {
  const level = severity === "permanent" ? "error" : "warn";
  return { event: "failed", "log-level": level, severity, reason, "delivery-status": status };
}

/** The fields of a reply; the code has a field of its own. */
function replied(reply: string): Record<string, unknown> {
  return {
    code: Number(reply.slice(0, 3)),
    message: reply.slice(4),
    description: "",
    "attempt-no": 1,
    "mx-host": "mx.example.net",
    tls: true,
  };
}
