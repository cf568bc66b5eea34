// What is known of Discord's webhooks, for the kind `discord` and for `slack` under `/slack`.

import { objectOf, parsedJson } from "../../lib/json.ts";
import type { Answer } from "../transport/http.ts";

/** `discord.gg` has invitations alone, which people take for webhooks. */
const HOSTS = /^(?:(?:ptb|canary)\.)?discord(?:app)?\.com$|^discord\.gg$/;

/** Whether the host is Discord's. */
export function isDiscordHost(hostname: string): boolean {
  return HOSTS.test(hostname);
}

/** https://docs.discord.com/developers/topics/opcodes-and-status-codes#json-json-error-codes */
const UNKNOWN_WEBHOOK = 10015;

/** Whether Discord says that the webhook was deleted. It does not come back, and who goes on asking gets banned. */
export function isUnknownWebhook({ status, text }: Answer): boolean {
  return status === 404 && objectOf(parsedJson(text))["code"] === UNKNOWN_WEBHOOK;
}
