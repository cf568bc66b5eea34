// Servers that take Slack's older messages, written from their documentation and sources: Mattermost, Rocket.Chat and
// Discord under /slack. Which one a room is, the request's path tells.
// https://developers.mattermost.com/integrate/webhooks/incoming/ and mattermost/mattermost:server/channels/web/webhook.go
// RocketChat/Rocket.Chat:apps/meteor/app/integrations/server/api/api.js
// https://docs.discord.com/developers/resources/webhook#execute-slackcompatible-webhook

import { isObject, parsedJson, type JsonObject } from "../../../src/lib/json.ts";
import { startHttpPeer, type PeerAnswer, type PeerRequest } from "./http.ts";
import { DISCORD_HOOK, MATTERMOST_HOOK, ROCKETCHAT_HOOK } from "./known.ts";
import type { Peer, Taken } from "./rooms.ts";

export const start = (): Promise<Peer> => startHttpPeer(() => answer);

function answer(request: PeerRequest): PeerAnswer {
  const { method, path } = request;
  if (method !== "POST") return { status: 405 };
  if (path.startsWith("/api/webhooks/")) return discord(request);
  return /^\/hooks\/[^/]+\/[^/]+$/.test(path) ? rocketchat(request) : mattermost(request);
}

function mattermost({ path, headers, body }: PeerRequest): PeerAnswer {
  const refuse = (status: number, id: string): PeerAnswer => ({
    status,
    body: { id, message: "no", detailed_error: "", request_id: "x", status_code: status },
  });
  if (path !== MATTERMOST_HOOK) return refuse(400, "web.incoming_webhook.invalid.app_error");
  const message = messageIn(headers, body);
  if (message === null) return refuse(400, "web.incoming_webhook.parse.app_error");
  if (message.text === "" && message.attachments.length === 0)
    return refuse(400, "web.incoming_webhook.text.app_error");
  return { status: 200, body: "ok", taken: takenOf(message, headers) };
}

function rocketchat({ path, headers, body }: PeerRequest): PeerAnswer {
  if (path !== ROCKETCHAT_HOOK)
    return { status: 404, body: { success: false, error: "Invalid integration id or token provided." } };
  const message = messageIn(headers, body);
  if (message === null || message.text.length > 5000)
    return { status: 400, body: { success: false, error: "error-message-size-exceeded" } };
  return { status: 200, body: { success: true }, taken: takenOf(message, headers) };
}

function discord({ path, headers, body }: PeerRequest): PeerAnswer {
  const [, id] = /^\/api\/webhooks\/(\d+)\//.exec(path) ?? [];
  if (!DISCORD_HOOK.includes(`/${id}/`))
    return { status: 404, body: { message: "Unknown Webhook", code: 10015 } };
  if (path !== `${DISCORD_HOOK}/slack`)
    return { status: 401, body: { message: "Invalid Webhook Token", code: 50027 } };
  const message = messageIn(headers, body);
  const invalid = { status: 400, body: { message: "Invalid Form Body", code: 50035 } };
  if (message === null || message.text.length > 2000 || message.attachments.length > 10) return invalid;
  const lengths = message.attachments.map(({ text }) => text.length);
  if (lengths.some((length) => length > 4096) || lengths.reduce((sum, length) => sum + length, 0) > 6000)
    return invalid;
  return { status: 200, body: "ok", taken: takenOf(message, headers) };
}

interface Message {
  text: string;
  attachments: { text: string }[];
}

/** The message; null if it holds anything that one of these servers does not read. */
function messageIn(headers: Record<string, string>, body: string): Message | null {
  if (!(headers["content-type"] ?? "").startsWith("application/json")) return null;
  const message = parsedJson(body);
  if (!isObject(message) || Object.keys(message).join() !== "text,attachments") return null;
  const { text, attachments } = message;
  if (typeof text !== "string" || !Array.isArray(attachments)) return null;
  return attachments.every(isAttachment) ? { text, attachments } : null;
}

function isAttachment(given: unknown): given is JsonObject & { text: string } {
  if (!isObject(given) || Object.keys(given).join() !== "fallback,color,text") return false;
  const { fallback, color, text } = given;
  if (typeof fallback !== "string" || typeof text !== "string" || fallback === "" || text === "")
    return false;
  return /^#[0-9a-f]{6}$/.test(String(color)) && !/@(?:all|channel|everyone|here)\b/i.test(text);
}

/** Each attachment is an event, whose type stands first. Of the rest there are words alone. */
function takenOf({ attachments }: Message, headers: Record<string, string>): Taken[] {
  return attachments.map(({ text }) => {
    const type = (/^\*\*(.+?)\*\*/.exec(text)?.[1] ?? "").replaceAll("\\", "");
    return { id: null, type, attempt: headers["tidings-attempt"] ?? null, order: null, text: "null" };
  });
}
