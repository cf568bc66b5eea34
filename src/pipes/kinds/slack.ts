// Slack: messages for people to read, through an incoming webhook; and other servers that take Slack's messages. One
// message reports up to twenty events, because Slack takes one message a second.
// https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
// https://docs.slack.dev/apis/web-api/rate-limits and https://docs.slack.dev/reference/block-kit/blocks
// https://developers.mattermost.com/integrate/webhooks/incoming/ and https://docs.rocket.chat/docs/integrations

import * as z from "zod";
import { codeOf, objectOf, parsedJson } from "../../lib/json.ts";
import { attachmentMessage } from "../messages/attachments.ts";
import { slackMessage } from "../messages/slack.ts";
import type { Answer } from "../transport/http.ts";
import { isDiscordHost, isUnknownWebhook } from "./discord-hook.ts";
import { addressesSetting, hookUrl, outcomeByManners, postToHook } from "./hook.ts";
import type { Attempt, DeliveryResult, Kind, Outcome, Outgoing } from "./kind.ts";

/** Slack's hosts, including the one for US authorities. */
const SLACK_HOSTS = /^hooks\.slack(-gov)?\.com$/;

const FLAVOURS = ["slack", "mattermost", "rocketchat", "discord"] as const;
type Flavour = (typeof FLAVOURS)[number];

const Settings = z
  .strictObject({
    url: hookUrl.meta({
      description:
        "The incoming webhook's URL, which is its password too: of Slack, or of a server that takes Slack's messages",
    }),
    flavour: z
      .enum(FLAVOURS, "must be slack, mattermost, rocketchat or discord")
      .optional()
      .meta({
        description:
          "Whose messages to write: `slack` (blocks), or `mattermost`, `rocketchat`, `discord` (under `/slack`), which read " +
          "text and attachments. The URL tells, if you leave it out",
      }),
    addresses: addressesSetting,
  })
  .superRefine(({ url, flavour }, context) => {
    if (!URL.canParse(url)) return;
    const { hostname, pathname } = new URL(url);
    if (isDiscordHost(hostname) && !pathname.endsWith("/slack"))
      context.addIssue({
        code: "custom",
        path: ["url"],
        message: "must end with /slack, because it is Discord's; or make a pipe of kind discord with it",
      });
    if (SLACK_HOSTS.test(hostname) && flavour !== undefined && flavour !== "slack")
      context.addIssue({
        code: "custom",
        path: ["flavour"],
        message: "must be slack for a webhook of Slack",
      });
  });
type Settings = z.output<typeof Settings>;

/** Discord takes ten embeds in a message, and makes one of each attachment. */
const MOST_EVENTS: Readonly<Record<Flavour, number>> = {
  slack: 20,
  mattermost: 20,
  rocketchat: 20,
  discord: 10,
};
const MOST_BYTES = 4_000_000;

/** Slack. */
export const slack: Kind<Settings> = {
  id: "slack",
  title: "Slack, Mattermost, Rocket.Chat: a readable message in a channel",
  settings: Settings,
  secrets: ["url"],
  singleRequest: true,
  endpoints: [],
  batch: { events: MOST_EVENTS.slack, bytes: MOST_BYTES },
  batchOf: (settings) => ({ events: MOST_EVENTS[flavourOf(settings)], bytes: MOST_BYTES }),
  rate: 1,
  deliver,
};

/** By the URL: Rocket.Chat's ends with `/hooks/<id>/<token>`, Mattermost's with `/hooks/<id>`. */
function flavourOf({ url, flavour }: Settings): Flavour {
  if (flavour !== undefined) return flavour;
  const { hostname, pathname } = new URL(url);
  if (SLACK_HOSTS.test(hostname) || pathname.startsWith("/services/")) return "slack";
  if (isDiscordHost(hostname)) return "discord";
  return /\/hooks\/[^/]+\/[^/]+\/?$/.test(pathname) ? "rocketchat" : "mattermost";
}

async function deliver(batch: readonly Outgoing[], settings: Settings, attempt: Attempt): Promise<Outcome> {
  const { url, addresses } = settings;
  const flavour = flavourOf(settings);
  return await postToHook(attempt, {
    url,
    body: flavour === "slack" ? slackMessage(batch, addresses) : attachmentMessage(batch, addresses),
    meaningOf: (answer) => meaningOf(answer, flavour, attempt.now),
  });
}

/** How long to wait if a server asks to slow down and does not say for how long, ms: Slack takes a message a second. */
const A_MESSAGE = 1000;

function meaningOf(answer: Answer, flavour: Flavour, now: number): Outcome {
  const expected = flavour === "slack" ? "Slack's ok" : "the ok of such a server";
  const manners = { isTaken: isTaken(answer, flavour), expected, wait: A_MESSAGE };
  return outcomeByManners(answer, now, manners, (outcome) => {
    if (isUnknownWebhook(answer))
      return { ...outcome, result: "gone", reason: "answered 404: the webhook was deleted" };
    const word = wordIn(answer, flavour);
    if (word === null) return outcome;
    const result = RESULTS[word] ?? outcome.result;
    return { ...outcome, result, reason: `answered ${answer.status} ${word}` };
  });
}

/** Slack, Mattermost and Discord answer `ok`, Rocket.Chat `{"success":true}`; others that are compatible do likewise. */
function isTaken({ status, text }: Answer, flavour: Flavour): boolean {
  if (text.trim() === "ok") return true;
  if (flavour === "slack") return false;
  const { success, ok, result } = objectOf(parsedJson(text));
  return status === 204 || success === true || ok === true || result === "success";
}

/** Slack answers an error's name as text, Mattermost as the `id` of JSON. Rocket.Chat's errors are sentences. */
function wordIn({ text }: Answer, flavour: Flavour): string | null {
  const word = text.trim();
  if (flavour === "slack") return /^[a-z_]{1,60}$/.test(word) ? word : null;
  return flavour === "mattermost" ? codeOf(objectOf(parsedJson(text))["id"]) : null;
}

/** Errors that say more than the status does. */
const RESULTS: Readonly<Record<string, DeliveryResult>> = {
  // https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors
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
  // mattermost/mattermost:server/i18n/en.json
  "web.incoming_webhook.channel.app_error": "denied",
  "web.incoming_webhook.channel_locked.app_error": "denied",
  "web.incoming_webhook.disabled.app_error": "denied",
  "web.incoming_webhook.invalid.app_error": "denied",
  "web.incoming_webhook.permissions.app_error": "denied",
  "web.incoming_webhook.user.app_error": "denied",
};
