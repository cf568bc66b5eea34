// Discord's webhooks, written from their documentation.
// https://docs.discord.com/developers/resources/webhook#execute-webhook
// https://docs.discord.com/developers/resources/message#embed-object-embed-limits

import { isObject, parsedJson } from "../../../src/lib/json.ts";
import { startHttpPeer, type PeerAnswer, type PeerRequest } from "./http.ts";
import { DISCORD_HOOK } from "./known.ts";
import type { Peer, Taken } from "./rooms.ts";

export const start = (): Promise<Peer> => startHttpPeer(() => answer);

const refuse = (status: number, code: number, message: string): PeerAnswer => ({
  status,
  body: { message, code },
});
const invalid = refuse(400, 50035, "Invalid Form Body");

function answer({ method, path, headers, body }: PeerRequest): PeerAnswer {
  if (method !== "POST") return refuse(405, 0, "405: Method Not Allowed");
  const { pathname, searchParams } = new URL(path, "https://discord.com");
  const [, id] = /^\/api\/webhooks\/(\d+)\//.exec(pathname) ?? [];
  if (!DISCORD_HOOK.includes(`/${id}/`)) return refuse(404, 10015, "Unknown Webhook");
  if (pathname !== DISCORD_HOOK) return refuse(401, 50027, "Invalid Webhook Token");
  if (!(headers["content-type"] ?? "").startsWith("application/json")) return refuse(400, 50109, "not JSON");
  const message = parsedJson(body);
  if (!isObject(message)) return refuse(400, 50109, "The request body contains invalid JSON.");
  const { content, embeds, allowed_mentions: mentions, ...others } = message;
  if (Object.keys(others).length > 0 || typeof content !== "string" || content.length > 2000) return invalid;
  if (JSON.stringify(mentions) !== '{"parse":[]}') return invalid; // it would ring everybody's phone
  if (!Array.isArray(embeds) || embeds.length > 10 || !embeds.every(isEmbed)) return invalid;
  if (content === "" && embeds.length === 0) return refuse(400, 50006, "Cannot send an empty message");
  const length = embeds.reduce(
    (sum, { title, description = "" }) => sum + title.length + description.length,
    0,
  );
  if (length > 6000) return invalid;
  const attempt = headers["tidings-attempt"] ?? null;
  const taken = embeds.map((embed) => takenOf(embed, attempt));
  if (searchParams.get("wait") !== "true") return { status: 204, taken };
  return { status: 200, body: { id: "1152921521234567891", type: 0, content, embeds }, taken };
}

interface Embed {
  title: string;
  description?: string;
}

function isEmbed(embed: unknown): embed is Embed {
  if (!isObject(embed)) return false;
  const { title, description, color, timestamp, url, ...others } = embed;
  if (Object.keys(others).length > 0 || typeof title !== "string" || title === "") return false;
  if (description !== undefined && (typeof description !== "string" || description === "")) return false;
  if (title.length > 256 || (description ?? "").length > 4096) return false;
  if (url !== undefined && (typeof url !== "string" || !/^https?:\/\//.test(url))) return false;
  if (!Number.isInteger(color) || Number(color) < 0 || Number(color) > 0xffffff) return false;
  return typeof timestamp === "string" && new Date(timestamp).toISOString() === timestamp;
}

/** An embed is an event, whose type stands first. Of the rest there are words alone. */
function takenOf({ title }: Embed, attempt: string | null): Taken {
  const type = title.replaceAll("\\", "").replace(/ \(.*$/, "");
  return { id: null, type, attempt, order: null, text: "null" };
}
