// Slack's incoming webhooks, written from their documentation.
// https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors

import { isObject, parsedJson } from "../../src/pipes/json.ts";
import type { Peer } from "./peers.ts";
import { startScriptedPeer, type Received, type Reply } from "./scripted-peer.ts";

const HOOK = "/services/T0000/B0000/RightSecret";

export const start = (): Promise<Peer> => startScriptedPeer(answer);

const refuse = (status: number, body: string): Reply => ({ status, body });

function answer({ method, path, headers, body }: Received): Reply {
  if (method !== "POST") return refuse(405, "method_not_allowed");
  if (path !== HOOK)
    return path.startsWith("/services/") ? refuse(404, "no_service") : refuse(404, "no_team");
  if (!(headers["content-type"] ?? "").startsWith("application/json")) return refuse(400, "invalid_payload");
  const message = parsedJson(body);
  if (!isObject(message)) return refuse(400, "invalid_payload");
  const { text, blocks = [] } = message;
  if (typeof text !== "string" || text === "") return refuse(400, "no_text");
  if (text.length > 40_000 || !Array.isArray(blocks) || blocks.length > 50)
    return refuse(400, "invalid_payload");
  const ids = blocks.flatMap((block: unknown) =>
    isObject(block) && block["block_id"] !== undefined ? block["block_id"] : [],
  );
  if (new Set(ids).size < ids.length) return refuse(400, "invalid_blocks");
  return blocks.every(isSection) ? { status: 200, body: "ok" } : refuse(400, "invalid_blocks");
}

function isSection(block: unknown): boolean {
  if (!isObject(block) || block["type"] !== "section" || !isObject(block["text"])) return false;
  const { block_id: id = "x", text } = block;
  if (typeof id !== "string" || id.length > 255) return false;
  const { type, text: words, ...rest } = text;
  const known = Object.keys(rest).every((name) => name === "verbatim");
  return known && type === "mrkdwn" && typeof words === "string" && words.length >= 1 && words.length <= 3000;
}
