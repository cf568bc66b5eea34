// Postmark (https://postmarkapp.com/developer/webhooks/webhooks-overview): one object per request, distinguished by
// RecordType. Nothing is signed; the secret is in a header that the customer configured for the webhook (HttpHeaders).

import { allBut, hexOf, post, uuidFrom, withHeader } from "../requests.ts";
import { replyTo } from "../replies.ts";
import type { Dialect, Happening, Report } from "../types.ts";

const HEADER = "x-webhook-key";
const TOKEN = "demo-only-postmark";

export const postmark: Dialect = {
  source: "postmark",
  credentials: TOKEN,
  settings: { secret_header: HEADER },
  knows: allBut("queued", "sent"),
  tellsCampaign: true,
  makeId: (random) => uuidFrom(random.digits(32)),
  most: 1,
  compose: (reports) => post("postmark", reports.map(elementOf)[0] ?? {}),
  sign: withHeader(HEADER, TOKEN),
  // The post of "Send test", which names no mail.
  tests: (_random, now) => {
    const time = timeOf(now);
    const mail = { MessageID: "00000000-0000-0000-0000-000000000000", ServerID: 1234 };
    const john = "john@example.com";
    const bounce = {
      RecordType: "Bounce",
      ID: 42,
      ...bounceOf("hard_bounce", ""),
      Email: john,
      BouncedAt: time,
    };
    const open = { RecordType: "Open", Recipient: john, ReceivedAt: time, UserAgent: "Mozilla/5.0" };
    return [bounce, open].map((words) => ({ ...post("postmark", { ...words, ...mail }), pings: 1 }));
  },
};

function elementOf(report: Report): Record<string, unknown> {
  const { mail } = report;
  return {
    ...wordsFor(report),
    MessageID: mail.id,
    ServerID: 1234,
    // This customer has a stream for each kind of mail.
    MessageStream: mail.campaign,
    Tag: mail.campaign,
    Metadata: { order: mail.customId },
  };
}

function wordsFor(report: Report): Record<string, unknown> {
  const { mail, what, at, url, ip, agent } = report;
  const time = timeOf(at);
  const act = {
    Recipient: mail.contact,
    ReceivedAt: time,
    Platform: agent.includes("iPhone") ? "Mobile" : "Desktop",
    UserAgent: agent,
    Geo: { CountryISOCode: "FR", Country: "France", IP: ip },
  };
  switch (what) {
    case "delivered":
      return {
        RecordType: "Delivery",
        Recipient: mail.contact,
        DeliveredAt: time,
        Details: "smtp;250 2.0.0 OK",
      };
    case "opened":
      return { RecordType: "Open", ...act };
    case "clicked":
      return { RecordType: "Click", ...act, OriginalLink: url, ClickLocation: "HTML" };
    case "unsubscribed":
      return {
        RecordType: "SubscriptionChange",
        Recipient: mail.contact,
        ChangedAt: time,
        Origin: "Recipient",
        SuppressSending: true,
        SuppressionReason: "ManualSuppression",
      };
    case "oddity":
      return { RecordType: "Forward", Recipient: mail.contact, ReceivedAt: time };
    default:
      return {
        RecordType: what === "complained" ? "SpamComplaint" : "Bounce",
        // 60 bits, more than a JavaScript number holds.
        ID: JSON.rawJSON(String(BigInt(`0x${hexOf(report, 15)}`))),
        ...bounceOf(what, replyTo(report)),
        Email: mail.contact,
        BouncedAt: time,
      };
  }
}

/** https://postmarkapp.com/developer/api/bounce-api#bounce-types : Type, TypeCode and Name. */
const BOUNCES: Partial<Record<Happening, readonly [string, number, string]>> = {
  hard_bounce: ["HardBounce", 1, "Hard bounce"],
  soft_bounce: ["SoftBounce", 4096, "Soft bounce"],
  blocked: ["Blocked", 100_006, "ISP block"],
  dropped: ["ManuallyDeactivated", 100_002, "Manually deactivated"],
  complained: ["SpamComplaint", 100_001, "Spam complaint"],
};

function bounceOf(what: Happening, reply: string): Record<string, unknown> {
  const [type, code, name] = BOUNCES[what] ?? [];
  return {
    Type: type,
    TypeCode: code,
    Name: name,
    Details: reply === "" ? "" : `smtp;${reply}`,
    From: "news@shop.example.com",
    Subject: "Your order",
    DumpAvailable: reply !== "",
    Inactive: what !== "soft_bounce" && what !== "blocked",
    CanActivate: what !== "complained",
  };
}

/** A time with seven decimals of a second. */
function timeOf(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "0000Z");
}
