// Unisender Go's webhooks (and those of UniOne, the same service):
// https://godocs.unisender.ru/web-api-ref#callback-format
// events_by_user[].events[], or one flat event if the webhook is set to single events. The signature is in the body.

import { nodeCrypto } from "../lib/node-modules.ts";
import { fail, ok, type Result } from "../lib/result.ts";
import type { EventType, Reason } from "../model/event.ts";
import { equalSecrets } from "./kit/credentials.ts";
import { isBlank, parseElements, PING, verbatim, type ElementResult } from "./kit/elements.ts";
import {
  address,
  LONGEST,
  makeEvent,
  metadata,
  objectAt,
  table,
  tags,
  text,
  time,
  whyNoAddress,
} from "./kit/fields.ts";
import { isObject, readJson, type JsonObject } from "./kit/json.ts";
import { membersOf, replaceMembers } from "./kit/members.ts";
import { provenBySignature } from "./kit/proof.ts";
import type { Delivery, InboundRequest, Provider, VerifyResult } from "./provider.ts";
import { judge, type Finding } from "./kit/refusal.ts";
import { findSmtp } from "./kit/smtp.ts";

/** https://godocs.unisender.ru/web-api-ref#callback-format : status. */
const TYPES = table<EventType>(
  {
    sent: "sent",
    delivered: "delivered",
    opened: "opened",
    clicked: "clicked",
    unsubscribed: "unsubscribed",
    subscribed: "subscribed",
    spam: "complained",
    soft_bounced: "deferred", // Unisender tries again, and reports hard_bounced when it gives up
    hard_bounced: "bounced",
  },
  "type",
);

/** The reason of a failure, and whose matter it is if it is not the address. */
interface Failure {
  reason: Reason;
  /** Replaces a bounce. */
  type?: EventType;
  /** Unisender found out that nobody can be reached there. */
  isDead?: true;
  /** Nothing shows that the address is dead, even after the last try. */
  isPassing?: true;
}

/** https://godocs.unisender.ru/web-api-ref#callback-format : the delivery_status of undelivered mails. */
const FAILURES = table<Failure>(
  {
    err_user_unknown: { reason: "invalid", isDead: true },
    err_user_inactive: { reason: "inactive", isDead: true },
    err_mailbox_discarded: { reason: "inactive", isDead: true },
    err_domain_inactive: { reason: "invalid", isDead: true },
    err_mailbox_full: { reason: "mailbox_full", isPassing: true },
    err_unreachable: { reason: "technical", isPassing: true },
    err_destination_misconfigured: { reason: "technical", isPassing: true },
    err_will_retry: { reason: "technical", isPassing: true },
    err_delivery_failed: { reason: "other" },
    err_too_large: { reason: "content", type: "blocked" },
    err_spam_rejected: { reason: "content", type: "blocked" },
    err_blacklisted: { reason: "reputation", type: "blocked" },
    err_spam_skipped: { reason: "content", type: "dropped" },
    err_skip_letter: { reason: "suppressed", type: "dropped" },
    err_unsubscribed: { reason: "unsubscribed", type: "dropped" },
    err_lost: { reason: "technical", type: "failed" },
  },
  "reason",
);

const STATUS_EVENT = "transactional_email_status";

/**
 * Credentials: API keys of the account or the project that the webhook belongs to. No other kind is accepted, because
 * every post is signed. `auth` is the MD5 (in hex) of the body with the API key in place of `auth`. The body must be
 * complete JSON: otherwise MD5 would allow an attacker to extend a known post. It is parsed only after the MD5 matched.
 */
async function verifyAuth({ body }: InboundRequest, key: string): Promise<VerifyResult> {
  const auth = authOf(body);
  if (auth === null) return fail("auth is missing or no MD5");
  const { createHash } = await nodeCrypto(); // loaded only when needed, because a new isolate waits for it
  const md5 = createHash("md5").update(body.subarray(0, auth.from)).update(key);
  const expected = md5.update(body.subarray(auth.to)).digest("hex");
  if (!equalSecrets(auth.text, expected)) return fail("the signature does not match");
  const json = readJson(body);
  if (!json.ok) return json;
  return isObject(json.value) && json.value["auth"] === auth.text
    ? { ok: true }
    : fail("auth is not the document's own");
}

const AUTH: ReadonlySet<string> = new Set(["auth"]);

/** The first member `auth` of the document, if it is an MD5, and the place of its digits. */
function authOf(body: Uint8Array): { text: string; from: number; to: number } | null {
  const [member] = membersOf(body, AUTH);
  if (member === undefined) return null;
  const [from, to] = [member.from + 1, member.to - 1]; // between the quotes
  const text = new TextDecoder().decode(body.subarray(from, Math.min(to, from + 33)));
  return /^[0-9a-f]{32}$/.test(text) ? { text, from, to } : null;
}

const CUT: ReadonlyMap<string, () => string> = new Map([["auth", () => "null"]]);

export const unisender: Provider = {
  id: "unisender",
  headers: [],
  ...provenBySignature({ kindOf: (credential) => ({ key: credential }), verifyKey: verifyAuth }),
  withoutProof: (body) => replaceMembers(body, CUT),
  parse: (delivery) => parseElements(delivery, elementsOf(delivery), readElement),
  elements: verbatim(elementsOf),
};

/** All users' events in one list; a user without a list counts as one element that cannot be read. */
function elementsOf(delivery: Delivery, parse?: (text: string) => unknown): Result<unknown[]> {
  if (isBlank(delivery.body)) return ok([]);
  const json = readJson(delivery.body, parse);
  if (!json.ok) return json;
  if (Array.isArray(json.value)) return ok(json.value);
  const users = isObject(json.value) ? json.value["events_by_user"] : null;
  if (!Array.isArray(users)) return ok([json.value]);
  return ok(
    users.flatMap((user: unknown) => {
      const events = isObject(user) ? user["events"] : null;
      return Array.isArray(events) ? events : [user];
    }),
  );
}

function readElement(element: JsonObject, index: number, delivery: Delivery): ElementResult {
  const data = isObject(element["event_data"]) ? element["event_data"] : element; // flat if events are sent singly
  const status = text(data["status"])?.toLowerCase() ?? null;
  const name = text(element["event_name"])?.toLowerCase() ?? (status === null ? null : STATUS_EVENT);
  if (name === null) return fail("event_name is missing");
  // Blocks of whole domains and similar events name no recipient: they are about the account, not about a mail.
  if (name !== STATUS_EVENT && text(data["email"]) === null) return PING;
  const contact = address(data["email"]);
  if (contact === null) return fail(whyNoAddress("email", data["email"]));
  const occurredAt = time(data["event_time"]); // without a zone, in UTC
  const info = objectAt(data, "delivery_info");
  const outcome = text(info["delivery_status"])?.toLowerCase() ?? null;
  const response = text(info["destination_response"], LONGEST.words);
  const smtp = findSmtp(response);
  const { type, bounce, reason } = judge(findingOf(name, status, outcome), smtp, response);
  const url = text(data["url"], LONGEST.url);
  const ip = text(info["ip"]);
  const user_agent = text(info["user_agent"], LONGEST.words);
  const core = {
    element: index,
    type,
    contact,
    message_id: text(data["job_id"], LONGEST.id),
    occurredAt,
    receivedAt: delivery.receivedAt,
    // The `ID` header differs on every call, including retries.
    distinguishing: [name, status, outcome, url, ip, user_agent],
  };
  const details = {
    bounce,
    reason,
    description: response ?? outcome,
    smtp,
    campaign: text(data["campaign_id"]),
    tags: tags(data["tags"]), // named by the service's dumps of events; not seen in a webhook
    metadata: metadata(data["metadata"]),
    url,
    ip,
    user_agent,
  };
  return ok([makeEvent(core, details)]);
}

function findingOf(name: string, status: string | null, outcome: string | null): Finding {
  const type = (name === STATUS_EVENT && TYPES.get(status ?? "")) || "unknown";
  if (type === "complained") return { type, bounce: null, reason: "spam" };
  if (type !== "bounced" && type !== "deferred") return { type, bounce: null, reason: null };
  const failure = FAILURES.get(outcome ?? "");
  const reason = failure?.reason ?? (outcome === null ? null : "other");
  if (type === "deferred") return { type, bounce: null, reason };
  if (failure?.type !== undefined) return { type: failure.type, bounce: null, reason };
  return { type, bounce: failure?.isPassing ? "soft" : "hard", reason, isEvidence: failure?.isDead === true };
}
