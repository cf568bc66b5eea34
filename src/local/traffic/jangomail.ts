// Reports as JangoMail calls them in: one per request, by GET, form or JSON, the event named by the URL, the token in the
// query (https://support.jangomail.com/hc/en-us/articles/204153610-Transactional-Event-API).

import type { Happening, PlannedRequest, Report } from "./types.ts";

export const JANGOMAIL_KNOWS: ReadonlySet<Happening> = new Set([
  "sent",
  "opened",
  "clicked",
  "hard_bounce",
  "soft_bounce",
  "blocked",
  "complained",
  "unsubscribed",
  "oddity",
]);

const WORDS: Readonly<Partial<Record<Happening, string>>> = {
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

/** The three ways in which JangoMail delivers, and the two in which a URL names the event. */
export type Way = "get" | "form" | "json";
export type Naming = "query" | "path";

export interface JangomailCall {
  way: Way;
  naming: Naming;
  token: string;
  /** "/webhooks/jangomail", or behind /backup. */
  base: string;
}

export function jangomailRequest(
  report: Report,
  call: JangomailCall,
): Pick<PlannedRequest, "method" | "path" | "headers" | "body"> {
  const word = WORDS[report.what] ?? report.what;
  return carry(parametersOf(report), word, call);
}

/** A call that names its parameters and fills in none: how one tries out the URL. */
export function jangomailTest(
  call: JangomailCall,
): Pick<PlannedRequest, "method" | "path" | "headers" | "body"> {
  return carry({ EmailAddress: "", TransactionID: "", Timestamp: "" }, "open", call);
}

function carry(
  parameters: Record<string, string>,
  word: string,
  { way, naming, token, base }: JangomailCall,
) {
  const query = new URLSearchParams(naming === "query" ? { event: word, token } : { token });
  const path = naming === "query" ? base : `${base}/${word}`;
  if (way === "get") {
    for (const [name, value] of Object.entries(parameters)) query.append(name, value);
    return { method: "GET" as const, path: `${path}?${query.toString()}`, headers: {}, body: null };
  }
  const form = way === "form";
  return {
    method: "POST" as const,
    path: `${path}?${query.toString()}`,
    headers: { "content-type": form ? "application/x-www-form-urlencoded" : "application/json" },
    body: form ? String(new URLSearchParams(parameters)) : JSON.stringify(parameters),
  };
}

function parametersOf({ mail, what, at, url, ip, agent }: Report): Record<string, string> {
  const read = what === "opened" || what === "clicked";
  const bounced = what === "hard_bounce" || what === "soft_bounce";
  return {
    EmailAddress: mail.contact,
    TransactionID: mail.id,
    Timestamp: usTime(at),
    Campaign: mail.campaign,
    "Custom-ID": mail.customId,
    ...(what === "clicked" ? { Url: url } : {}),
    ...(read ? { IPAddress: ip, UserAgent: agent } : {}),
    ...(bounced ? { BounceType: what === "hard_bounce" ? "hard" : "soft" } : {}),
    ...(bounced
      ? { Diagnostic: what === "hard_bounce" ? "550 5.1.1 No such user" : "452 4.2.2 Mailbox full" }
      : {}),
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
