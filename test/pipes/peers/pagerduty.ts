// PagerDuty's Events API v2, written from its documentation.
// https://developer.pagerduty.com/docs/send-alert-event

import { isObject, parsedJson, type JsonObject } from "../../../src/lib/json.ts";
import { startHttpPeer, type PeerAnswer, type PeerRequest } from "./http.ts";
import { PAGERDUTY_KEY } from "./known.ts";
import type { Peer } from "./rooms.ts";

export const start = (): Promise<Peer> => startHttpPeer(() => answer);

const invalid = (...errors: string[]): PeerAnswer => ({
  status: 400,
  body: { status: "invalid event", message: "Event object is invalid", errors },
});
const MOST_BYTES = 512_000;

function answer({ method, path, headers, body, bytes }: PeerRequest): PeerAnswer {
  if (method !== "POST" || path !== "/v2/enqueue") return { status: 404, body: { error: "not found" } };
  if (bytes.length > MOST_BYTES) return { status: 413 };
  if (!(headers["content-type"] ?? "").startsWith("application/json")) return { status: 415 };
  const event = parsedJson(body);
  if (!isObject(event)) return invalid("JSON is not valid");
  const {
    routing_key: key,
    event_action: action,
    dedup_key: dedup,
    payload,
    client,
    links = [],
    ...others
  } = event;
  if (key !== PAGERDUTY_KEY) return invalid("Invalid routing key");
  if (Object.keys(others).length > 0 || typeof client !== "string") return invalid("unknown fields");
  if (!["trigger", "acknowledge", "resolve"].includes(String(action)))
    return invalid("'event_action' is invalid");
  if (typeof dedup !== "string" || dedup === "" || dedup.length > 255)
    return invalid("'dedup_key' is invalid");
  if (!Array.isArray(links) || !links.every((link) => isObject(link) && typeof link["href"] === "string"))
    return invalid("'links' is invalid");
  const wrong = isObject(payload) ? wrongIn(payload) : "payload";
  if (wrong !== null) return invalid(`'${wrong}' is missing or invalid`);
  const { custom_details: details, class: type } = payload as { custom_details: JsonObject; class: string };
  const taken = {
    id: String(details["event"]),
    type,
    attempt: headers["tidings-attempt"] ?? null,
    order: null,
    text: "null",
    raw: { action, dedup },
  };
  return {
    status: 202,
    body: { status: "success", message: "Event processed", dedup_key: dedup },
    taken: [taken],
  };
}

/** The field of the payload that is wrong; null if none is. */
function wrongIn(payload: JsonObject): string | null {
  const {
    summary,
    source,
    severity,
    timestamp,
    component,
    class: type,
    custom_details: details,
    ...others
  } = payload;
  const isText = (value: unknown, most: number): boolean =>
    typeof value === "string" && value !== "" && value.length <= most;
  if (!isText(summary, 1024)) return "payload.summary";
  if (!isText(source, 1024)) return "payload.source";
  if (!["critical", "error", "warning", "info"].includes(String(severity))) return "payload.severity";
  if (typeof timestamp !== "string" || Number.isNaN(Date.parse(timestamp))) return "payload.timestamp";
  if (component !== undefined && !isText(component, 1024)) return "payload.component";
  if (!isText(type, 1024)) return "payload.class";
  if (!isObject(details)) return "payload.custom_details";
  return Object.keys(others)[0] ?? null;
}
