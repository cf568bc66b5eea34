// Reports as home-made systems post them: plain JSON in the field names and words that such systems share.

import type { Happening, Report } from "./types.ts";

export const GENERIC_KNOWS: ReadonlySet<Happening> = new Set([
  "queued",
  "sent",
  "delivered",
  "opened",
  "clicked",
  "hard_bounce",
  "soft_bounce",
  "blocked",
  "dropped",
  "complained",
  "unsubscribed",
  "oddity",
]);

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

export function genericElement({ mail, what, at, url, ip, agent }: Report): string {
  const read = what === "opened" || what === "clicked";
  return JSON.stringify({
    event: WORDS[what],
    timestamp: new Date(at).toISOString(),
    email: mail.contact,
    message_id: mail.id,
    campaign_id: mail.campaign,
    custom_id: mail.customId,
    ...(what === "clicked" ? { link_url: url } : {}),
    ...(read ? { ip_address: ip, user_agent: agent } : {}),
    ...(what === "hard_bounce" ? { bounce_type: "hard", reason: "550 5.1.1 No such user" } : {}),
  });
}
