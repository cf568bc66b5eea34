// `slack` in the shared suite, against written peers: Slack itself, and the servers that take its messages.

import type { DeliveryResult } from "../../../../src/pipes/kinds/kind.ts";
import { slack } from "../../../../src/pipes/kinds/slack.ts";
import { DISCORD_HOOK, MATTERMOST_HOOK, ROCKETCHAT_HOOK, SLACK_HOOK } from "../../peers/known.ts";
import { answered, openRoom, type RoomCase } from "../rooms.ts";
import type { KindCase, Refusal } from "../suite.ts";
import { chatCase, said as saidJson } from "./chat.ts";

const said = (status: number, body: string, result: DeliveryResult): Refusal =>
  answered(`${status} ${body}`, { status, body }, result);

export async function slackCase(): Promise<RoomCase> {
  const control = await openRoom("slack");
  return chatCase({
    name: "slack",
    kind: slack,
    control,
    hook: SLACK_HOOK,
    ids: true,
    wrong: { "another webhook": { url: `${control.url}${SLACK_HOOK}X` } },
    secretValues: ["RightSecret"],
    errors: [
      answered("429 without a time", { status: 429, body: "rate_limited" }, "slow_down", {
        retryAfter: 1000,
      }),
      said(400, "invalid_payload", "refused"),
      said(400, "user_not_found", "denied"),
      said(403, "action_prohibited", "denied"),
      said(403, "invalid_token", "denied"),
      said(404, "channel_not_found", "denied"),
      said(404, "no_service", "denied"),
      said(410, "channel_is_archived", "gone"),
      said(500, "rollup_error", "unavailable"),
    ],
  });
}

export async function mattermostCase(): Promise<RoomCase> {
  const control = await openRoom("slackCompatible");
  const told = (status: number, id: string, result: DeliveryResult): Refusal => {
    const whole = `web.incoming_webhook.${id}.app_error`;
    return saidJson(`${status} ${whole}`, status, { id: whole, message: "no", status_code: status }, result);
  };
  return chatCase({
    name: "slack at Mattermost",
    kind: slack,
    control,
    hook: MATTERMOST_HOOK,
    ids: false,
    wrong: { "another webhook": { url: `${control.url}/hooks/another` } },
    secretValues: [],
    errors: [
      told(400, "invalid", "denied"),
      told(501, "disabled", "denied"),
      told(500, "channel", "denied"),
      told(403, "permissions", "denied"),
      told(400, "parse", "refused"),
    ],
  });
}

export async function rocketchatCase(): Promise<RoomCase> {
  const control = await openRoom("slackCompatible");
  const hook = ROCKETCHAT_HOOK;
  return chatCase({
    name: "slack at Rocket.Chat",
    kind: slack,
    control,
    hook,
    ids: false,
    wrong: { "another token": { url: `${control.url}${hook}X` } },
    secretValues: ["RightTokenOfRocketChat"],
    errors: [
      saidJson("200 without success", 200, { success: false, error: "no" }, "unavailable"),
      saidJson("400 without success", 400, { success: false, error: "invalid-channel" }, "refused"),
    ],
  });
}

export async function discordCase(): Promise<RoomCase> {
  const control = await openRoom("slackCompatible");
  return chatCase({
    name: "slack at Discord",
    kind: slack,
    control,
    hook: `${DISCORD_HOOK}/slack`,
    ids: false,
    settings: { flavour: "discord" },
    wrong: { "another token": { url: `${control.url}${DISCORD_HOOK}X/slack` } },
    secretValues: ["Right-Token_of-Discord"],
    errors: [
      {
        when: "a deleted webhook",
        settings: { url: `${control.url}/api/webhooks/1/gone/slack` },
        result: "gone",
        status: 404,
      },
    ],
  });
}

export const cases: readonly KindCase[] = [
  await slackCase(),
  await mattermostCase(),
  await rocketchatCase(),
  await discordCase(),
];
