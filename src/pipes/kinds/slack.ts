// Slack: messages for people to read, through an incoming webhook. One message reports up to twenty events, because
// Slack takes one message a second.
// https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
// https://docs.slack.dev/apis/web-api/rate-limits and https://docs.slack.dev/reference/block-kit/blocks

import * as z from "zod";
import { httpsUrl, isLocal } from "../transport/destination-url.ts";
import { outcomeOf, outcomeOfError, type Answer } from "../transport/http.ts";
import type { Attempt, Kind, Outcome, Outgoing, DeliveryResult } from "./kind.ts";
import { slackMessage } from "./slack-message.ts";

/** Slack's hosts, including the one for US authorities. */
const HOSTS = /^hooks\.slack(-gov)?\.com$/;

const Settings = z.strictObject({
  url: httpsUrl
    .refine(
      (url) => !URL.canParse(url) || isLocal(url) || HOSTS.test(new URL(url).hostname),
      "must be an incoming webhook of Slack: https://hooks.slack.com/services/...",
    )
    .meta({ description: "The incoming webhook's URL, which is its password too" }),
  addresses: z
    .enum(["masked", "full"], "must be masked or full")
    .default("masked")
    .meta({ description: "How addresses are shown: `masked` as a***@example.com" }),
});
type Settings = z.output<typeof Settings>;

/** Slack's error texts that say more than the status does. */
const RESULTS: Readonly<Record<string, DeliveryResult>> = {
  user_not_found: "denied",
  channel_is_archived: "gone",
  no_service: "denied",
  no_service_id: "denied",
  no_team: "denied",
  team_disabled: "denied",
  invalid_token: "denied",
  action_prohibited: "denied",
  channel_not_found: "denied",
  posting_to_general_channel_denied: "denied",
  rollup_error: "unavailable",
};

/** Slack. */
export const slack: Kind<Settings> = {
  id: "slack",
  title: "Slack: a readable message in a channel",
  singleRequest: true,
  settings: Settings,
  secrets: ["url"],
  endpoints: [],
  batch: { events: 20, bytes: 4_000_000 },
  deliver,
};

async function deliver(batch: readonly Outgoing[], settings: Settings, attempt: Attempt): Promise<Outcome> {
  const { href, pathname } = new URL(settings.url);
  try {
    const answer = await attempt.fetch({
      method: "POST",
      url: settings.url,
      headers: { "content-type": "application/json; charset=utf-8", "tidings-attempt": attempt.id },
      body: JSON.stringify(slackMessage(batch, settings.addresses)),
      secrets: [settings.url, href, ...(pathname.length > 1 ? [pathname] : [])],
    });
    return told(answer, attempt.now);
  } catch (error) {
    return outcomeOfError(error);
  }
}

/** How long to wait if Slack asks to slow down and does not say for how long, ms: it takes a message a second. */
const A_MESSAGE = 1000;

function told(answer: Answer, now: number): Outcome {
  const outcome = outcomeOf(answer, now);
  const word = answer.text.trim();
  if (outcome.result === "delivered") {
    // Any other answer does not come from Slack, but from a proxy or a landing page.
    if (word === "ok") return outcome;
    return { ...outcome, result: "unavailable", reason: "answered 200, but not with Slack's ok" };
  }
  if (outcome.result === "slow_down") return { ...outcome, retryAfter: outcome.retryAfter ?? A_MESSAGE };
  if (!/^[a-z_]{1,60}$/.test(word)) return outcome;
  const result = RESULTS[word] ?? outcome.result;
  return { ...outcome, result, reason: `answered ${answer.status} ${word}` };
}
