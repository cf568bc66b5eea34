// JangoMail (https://support.jangomail.com/hc/en-us/articles/204153610-Transactional-Event-API): one report per
// request, by GET, form or JSON. The URL names the event, and the query contains the token.

import { allBut, isEngagement, post, postForm, withToken } from "../requests.ts";
import { replyTo } from "../replies.ts";
import type { Random } from "../random.ts";
import type { Dialect, Happening, SignedRequest, Report } from "../types.ts";

const TOKEN = "demo-only-jangomail";

const WORDS: Partial<Record<Happening, string>> = {
  sent: "sent",
  opened: "open",
  clicked: "click",
  hard_bounce: "bounce",
  soft_bounce: "bounce",
  blocked: "block",
  complained: "complaint",
  unsubscribed: "unsubscribe",
  oddity: "list-import",
};

export const jangomail: Dialect = {
  source: "jangomail",
  credentials: TOKEN,
  knows: allBut("queued", "delivered", "dropped"),
  tellsCampaign: true,
  makeId: (random) => random.digits(11),
  most: 1,
  // A repeat may use another method: its content is the same, so it is the same report.
  compose: (reports, random) => {
    const [report] = reports;
    return report === undefined
      ? carry({}, "open", random)
      : carry(parametersOf(report), WORDS[report.what] ?? report.what, random);
  },
  sign: withToken(TOKEN),
  // A call that names its parameters, but leaves them empty: how people try out the URL.
  tests: (random) => [
    { ...carry({ EmailAddress: "", TransactionID: "", Timestamp: "" }, "open", random), pings: 1 },
  ],
};

function carry(parameters: Record<string, string>, word: string, random: Random): SignedRequest {
  const way = random.pick(["get", "form", "json"] as const);
  const inPath = random.chance(0.5);
  const path = inPath ? `/webhooks/jangomail/${word}` : "/webhooks/jangomail";
  const query = new URLSearchParams(inPath ? {} : { event: word });
  if (way === "get") for (const [name, value] of Object.entries(parameters)) query.append(name, value);
  const url = query.size === 0 ? path : `${path}?${query.toString()}`;
  if (way === "get") return { method: "GET", path: url, headers: {}, body: null };
  return {
    ...(way === "form" ? postForm("jangomail", parameters) : post("jangomail", parameters)),
    path: url,
  };
}

function parametersOf(report: Report): Record<string, string> {
  const { mail, what, at, url, ip, agent } = report;
  const bounced = what === "hard_bounce" || what === "soft_bounce";
  return {
    EmailAddress: mail.contact,
    TransactionID: mail.id,
    Timestamp: usTime(at),
    Campaign: mail.campaign,
    "Custom-ID": mail.customId,
    ...(what === "clicked" ? { Url: url } : {}),
    ...(isEngagement(report) ? { IPAddress: ip, UserAgent: agent } : {}),
    ...(bounced ? { BounceType: what === "hard_bounce" ? "hard" : "soft" } : {}),
    ...(bounced ? { Diagnostic: replyTo(report) } : {}),
  };
}

/** `1/15/2024 10:30:00 AM`, in UTC. */
function usTime(ms: number): string {
  const date = new Date(ms);
  const two = (n: number): string => String(n).padStart(2, "0");
  const hour = date.getUTCHours();
  const time = `${hour % 12 || 12}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} ${hour < 12 ? "AM" : "PM"}`;
  return `${date.getUTCMonth() + 1}/${date.getUTCDate()}/${date.getUTCFullYear()} ${time}`;
}
