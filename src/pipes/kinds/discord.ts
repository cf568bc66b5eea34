// Discord: messages for people to read, through a channel's webhook. One message reports up to ten events, because it
// holds ten embeds.
// https://docs.discord.com/developers/resources/webhook#execute-webhook
// https://docs.discord.com/developers/topics/rate-limits

import * as z from "zod";
import { objectOf, parsedJson, textOf } from "../../lib/json.ts";
import { discordMessage } from "../messages/embeds.ts";
import type { Answer } from "../transport/http.ts";
import { isDiscordHost, isUnknownWebhook } from "./discord-hook.ts";
import { addressesSetting, hookUrl, outcomeByManners, postToHook } from "./hook.ts";
import type { Attempt, Kind, Outcome, Outgoing } from "./kind.ts";

/** /api/webhooks/<id>/<token>, perhaps with the API's version. */
const PATH = /^\/api(?:\/v\d+)?\/webhooks\/\d+\/[\w-]+\/?$/;

const Settings = z.strictObject({
  url: hookUrl
    .refine(
      (url) => !URL.canParse(url) || isWebhook(new URL(url)),
      "must be a webhook of Discord: https://discord.com/api/webhooks/<id>/<token>",
    )
    .meta({
      description:
        "The webhook's URL, which is its password too. `?thread_id=...` posts into a thread of the channel",
    }),
  addresses: addressesSetting,
});
type Settings = z.output<typeof Settings>;

/** Other hosts may be proxies, or servers that take Discord's messages, with paths of their own. */
function isWebhook({ hostname, pathname }: URL): boolean {
  return !isDiscordHost(hostname) || PATH.test(pathname);
}

/** Discord. */
export const discord: Kind<Settings> = {
  id: "discord",
  title: "Discord: a readable message in a channel",
  settings: Settings,
  secrets: ["url"],
  singleRequest: true,
  endpoints: [],
  batch: { events: 10, bytes: 4_000_000 },
  rate: 2.5, // five requests in two seconds
  deliver,
};

async function deliver(batch: readonly Outgoing[], settings: Settings, attempt: Attempt): Promise<Outcome> {
  const url = new URL(settings.url);
  url.searchParams.set("wait", "true"); // or Discord answers before it has stored the message
  return await postToHook(attempt, {
    url: url.href,
    body: discordMessage(batch, settings.addresses),
    meaningOf: (answer) => meaningOf(answer, attempt.now),
  });
}

/** How long to wait if Discord asks to slow down and does not say for how long, ms: its window. */
const A_WINDOW = 2000;

function meaningOf(answer: Answer, now: number): Outcome {
  const { id, code, retry_after: wait } = objectOf(parsedJson(answer.text));
  // The body has fractions of a second, and the header none.
  const told = typeof wait === "number" && wait >= 0 && wait < 86_400 ? Math.ceil(wait * 1000) : null;
  const isTaken = textOf(id) !== null || answer.status === 204;
  const manners = { isTaken, expected: "the message", told, wait: A_WINDOW };
  return outcomeByManners(answer, now, manners, (outcome) => {
    if (isUnknownWebhook(answer))
      return { ...outcome, result: "gone", reason: "answered 404: the webhook was deleted" };
    return typeof code === "number" && Number.isSafeInteger(code)
      ? { ...outcome, reason: `answered ${answer.status} with code ${code}` }
      : outcome;
  });
}
