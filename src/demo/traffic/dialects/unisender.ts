// Unisender Go (https://godocs.unisender.ru/web-api-ref#callback-format): events grouped by user, times in UTC without
// a zone, and the signature in the body: an MD5 over the body with the API key in the signature's place.

import { createHash, randomBytes } from "node:crypto";
import { allBut, isEngagement, post } from "../requests.ts";
import { replyTo } from "../replies.ts";
import type { Random } from "../random.ts";
import type { Dialect, Happening, SignedRequest, Report } from "../types.ts";

const API_KEY = randomBytes(20).toString("hex");
/** The place of the signature; a post that leaves it empty must be refused. */
const UNSIGNED = '"auth":""';

/** The status, and the outcome and reply of the delivery. */
const WORDS: Partial<Record<Happening, readonly [status: string, outcome?: string, response?: string]>> = {
  sent: ["sent"],
  delivered: ["delivered", "ok", "250 2.0.0 OK"],
  opened: ["opened"],
  clicked: ["clicked"],
  hard_bounce: ["hard_bounced", "err_user_unknown"],
  soft_bounce: ["soft_bounced", "err_mailbox_full"],
  blocked: ["hard_bounced", "err_spam_rejected"],
  dropped: ["hard_bounced", "err_skip_letter"],
  complained: ["spam"],
  unsubscribed: ["unsubscribed"],
  oddity: ["printed"],
};

export const unisender: Dialect = {
  source: "unisender",
  credentials: API_KEY,
  knows: allBut("queued"),
  // Unisender tries again, and reports hard_bounced when it gives up.
  becomes: { soft_bounce: "deferred" },
  tellsCampaign: false, // only the sender's own metadata does
  makeId: (random) => `1a${random.digits(4)}-${random.digits(6)}-S0`,
  most: 50,
  compose: (reports, random) => carry(reports.map(statusOf), random),
  sign: (request) => {
    const body = request.body ?? "";
    const withAuth = (auth: string): string => body.replace(UNSIGNED, `"auth":"${auth}"`);
    return { ...request, body: withAuth(createHash("md5").update(withAuth(API_KEY)).digest("hex")) };
  },
  // Not a test, but an event about the account and no mail.
  tests: (random, now) => [{ ...carry([spamBlock(now)], random), pings: 1 }],
};

function carry(events: readonly unknown[], random: Random): SignedRequest {
  const user = { user_id: 456, project_id: "6432890213745872", project_name: "Shop", events };
  // The call's own id, which differs on every retry.
  return post("unisender", { auth: "", events_by_user: [user] }, { id: random.digits(12) });
}

function statusOf(report: Report): Record<string, unknown> {
  const { mail, what, at, url, ip, agent } = report;
  const [status, delivery_status, destination_response = replyTo(report) || undefined] = WORDS[what] ?? [
    what,
  ];
  const seen = { user_agent: agent, ip };
  const deliveryInfo = delivery_status === undefined ? {} : { delivery_status, destination_response };
  const info = isEngagement(report) ? seen : deliveryInfo;
  return {
    event_name: "transactional_email_status",
    event_data: {
      job_id: mail.id,
      metadata: { campaign: mail.campaign, order: mail.customId },
      email: mail.contact,
      status,
      event_time: timeOf(at),
      ...(what === "clicked" ? { url } : {}),
      ...(Object.keys(info).length === 0 ? {} : { delivery_info: info }),
    },
  };
}

/** The event that mail to a whole domain is refused as spam. */
function spamBlock(now: number): Record<string, unknown> {
  return {
    event_name: "transactional_spam_block",
    event_data: {
      block_time: timeOf(now),
      block_type: "one_smtp",
      domain: "mail.example.net",
      SMTP_blocks_count: 8,
      domain_status: "blocked",
    },
  };
}

/** `2026-11-21 09:08:07`, in UTC. */
function timeOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace("T", " ");
}
