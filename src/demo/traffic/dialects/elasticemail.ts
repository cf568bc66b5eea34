// Elastic Email (https://help.elasticemail.com/en/articles/2376855): one report per call, by GET with all data in the
// query, after the token that the configured URL contains.

import { allBut, uuidOf, withToken } from "../requests.ts";
import type { Dialect, Happening, SignedRequest, Report } from "../types.ts";

const TOKEN = "demo-only-elasticemail";

/** The status, and for an error the category that specifies it. */
const WORDS: Partial<Record<Happening, readonly [status: string, category: string]>> = {
  delivered: ["Sent", "Ignore"],
  opened: ["Opened", "Ignore"],
  clicked: ["Clicked", "Ignore"],
  hard_bounce: ["Error", "NoMailbox"],
  soft_bounce: ["Error", "Throttled"],
  blocked: ["Error", "Spam"],
  dropped: ["Error", "NotDelivered"],
  complained: ["AbuseReport", "Spam"],
  unsubscribed: ["Unsubscribed", "Ignore"],
  oddity: ["Rerouted", "Unknown"],
};

export const elasticemail: Dialect = {
  source: "elasticemail",
  credentials: TOKEN,
  knows: allBut("queued", "sent"),
  tellsCampaign: true,
  makeId: (random) => Buffer.from(random.digits(16)).toString("base64url"),
  most: 1,
  compose: (reports) => carry(reports.map(parametersOf)[0] ?? { to: "", status: "", date: "" }),
  sign: withToken(TOKEN),
  // A call that names its parameters, but leaves them empty: how people try out the URL.
  tests: () => [{ ...carry({ to: "", status: "", date: "", category: "", messageid: "" }), pings: 1 }],
};

function carry(parameters: Record<string, string>): SignedRequest {
  const query = new URLSearchParams(parameters).toString();
  return { method: "GET", path: `/webhooks/elasticemail?${query}`, headers: {}, body: null };
}

/** The parameters of a report. Its time is in UTC; it has no id, and no device or place. */
function parametersOf(report: Report): Record<string, string> {
  const { mail, what, at, url } = report;
  const [status, category] = WORDS[what] ?? [what, "Unknown"];
  return {
    to: mail.contact,
    date: new Date(at).toLocaleString("en-US", { timeZone: "UTC" }).replace(",", ""), // 1/15/2024 10:30:00 AM
    subject: "News from the shop",
    status,
    channel: mail.campaign,
    account: "ops@example.com",
    category,
    messageid: mail.id,
    transaction: uuidOf({ ...report, what: "queued", at: mail.sentAt }),
    target: what === "clicked" ? url : "",
    postback: mail.customId,
    from: "shop@example.com",
  };
}
