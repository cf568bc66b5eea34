// Slack's incoming webhooks, written from their documentation.
// https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors

import { isObject, parsedJson } from "../../../src/lib/json.ts";
import { startHttpPeer, type PeerAnswer, type PeerRequest } from "./http.ts";
import { SLACK_HOOK } from "./known.ts";
import type { Peer, Taken } from "./rooms.ts";

export const start = (): Promise<Peer> => startHttpPeer(() => answer);

const refuse = (status: number, body: string): PeerAnswer => ({ status, body });

function answer({ method, path, headers, body }: PeerRequest): PeerAnswer {
  if (method !== "POST") return refuse(405, "method_not_allowed");
  if (path !== SLACK_HOOK)
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
  if (!blocks.every(isSection)) return refuse(400, "invalid_blocks");
  const attempt = headers["tidings-attempt"] ?? null;
  return { status: 200, body: "ok", taken: blocks.flatMap((block) => takenOf(block, attempt)) };
}

/** A block with an id is an event, whose type stands first. Of the rest there are words alone. */
function takenOf({ block_id: id, text: { text } }: Section, attempt: string | null): Taken[] {
  const type = /^\*([\w.]+)\*/.exec(text)?.[1] ?? null;
  return id === undefined ? [] : [{ id, type, attempt, order: null, text: "null" }];
}

interface Section {
  block_id?: string;
  text: { text: string };
}

function isSection(block: unknown): block is Section {
  if (!isObject(block) || block["type"] !== "section" || !isObject(block["text"])) return false;
  const { block_id: id = "x", text } = block;
  if (typeof id !== "string" || id.length > 255) return false;
  const { type, text: words, ...rest } = text;
  const known = Object.keys(rest).every((name) => name === "verbatim");
  return known && type === "mrkdwn" && typeof words === "string" && words.length >= 1 && words.length <= 3000;
}
