// A workflow that posts to Microsoft Teams, written from the documentation of both and of Adaptive Cards.
// https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
// https://learn.microsoft.com/azure/logic-apps/logic-apps-http-endpoint

import { isObject, parsedJson, type JsonObject } from "../../../src/lib/json.ts";
import { startHttpPeer, type PeerAnswer, type PeerRequest } from "./http.ts";
import { TEAMS_HOOK } from "./known.ts";
import type { Peer, Taken } from "./rooms.ts";

export const start = (): Promise<Peer> => startHttpPeer(() => answer);

const refuse = (status: number, code: string): PeerAnswer => ({
  status,
  body: { error: { code, message: "The words are of no use." } },
});
const MOST_BYTES = 28_000;

function answer({ method, path, headers, body, bytes }: PeerRequest): PeerAnswer {
  if (method !== "POST") return refuse(405, "MethodNotAllowed");
  if (path.split("?")[0] !== TEAMS_HOOK.split("?")[0]) return refuse(404, "WorkflowNotFound");
  if (path !== TEAMS_HOOK) return refuse(401, "AuthorizationFailed");
  if (bytes.length > MOST_BYTES) return refuse(413, "RequestEntityTooLarge");
  if (!(headers["content-type"] ?? "").startsWith("application/json"))
    return refuse(415, "UnsupportedMediaType");
  const card = cardIn(parsedJson(body));
  if (card === null) return refuse(400, "TriggerInputSchemaMismatch");
  const attempt = headers["tidings-attempt"] ?? null;
  return { status: 202, taken: card.flatMap((block) => takenOf(block, attempt)) };
}

interface Block {
  id?: string;
  inlines: { text: string }[];
}

/** The body of the card; null if it is none that Teams shows. */
function cardIn(message: unknown): Block[] | null {
  if (!isObject(message) || message["type"] !== "message" || !Array.isArray(message["attachments"]))
    return null;
  const [attachment, ...others] = message["attachments"] as unknown[];
  if (others.length > 0 || !isObject(attachment) || attachment["contentUrl"] !== null) return null;
  if (attachment["contentType"] !== "application/vnd.microsoft.card.adaptive") return null;
  const { content } = attachment;
  if (!isObject(content) || content["type"] !== "AdaptiveCard" || content["version"] !== "1.2") return null;
  const { body, actions = [] } = content;
  if (!Array.isArray(body) || body.length === 0 || !body.every(isBlock)) return null;
  if (!Array.isArray(actions) || actions.length > 6 || !actions.every(isButton)) return null;
  const ids = body.flatMap(({ id }) => id ?? []);
  return new Set(ids).size < ids.length ? null : body;
}

function isBlock(block: unknown): block is JsonObject & Block {
  if (!isObject(block) || block["type"] !== "RichTextBlock" || !Array.isArray(block["inlines"])) return false;
  const { id, inlines, type: _, ...others } = block;
  if (Object.keys(others).length > 0 || (id !== undefined && typeof id !== "string")) return false;
  return inlines.length > 0 && inlines.every(isRun);
}

function isRun(run: unknown): boolean {
  if (!isObject(run) || run["type"] !== "TextRun" || typeof run["text"] !== "string" || run["text"] === "")
    return false;
  const { color = "default", weight = "Default" } = run;
  const colours = ["default", "dark", "light", "accent", "good", "warning", "attention"];
  return colours.includes(String(color)) && ["Default", "Bolder"].includes(String(weight));
}

function isButton(action: unknown): boolean {
  if (!isObject(action) || action["type"] !== "Action.OpenUrl") return false;
  return typeof action["title"] === "string" && /^https?:\/\//.test(String(action["url"]));
}

/** A block with an id is an event, whose type stands first. Of the rest there are words alone. */
function takenOf({ id, inlines }: Block, attempt: string | null): Taken[] {
  return id === undefined ? [] : [{ id, type: inlines[0]?.text ?? null, attempt, order: null, text: "null" }];
}
