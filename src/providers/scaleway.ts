// Scaleway Transactional Email:
// https://www.scaleway.com/en/docs/transactional-email/reference-content/webhook-events-payloads/
// Its webhooks publish to a topic of Scaleway's Topics and Events, which follows SNS: the same envelope, and the same
// confirmation of a new URL.

import { fail, ok } from "../lib/result.ts";
import type { EventDetails, EventType, Reason } from "../model/event.ts";
import { verifySharedSecret } from "./kit/credentials.ts";
import { provenByHead } from "./kit/proof.ts";
import { jsonElements, parseElements, PING, type ElementResult } from "./kit/elements.ts";
import { address, LONGEST, makeEvent, table, text, time } from "./kit/fields.ts";
import type { JsonObject } from "./kit/json.ts";
import type { Delivery, Provider } from "./provider.ts";
import { findSmtp, isSenders, smtpReason } from "./kit/smtp.ts";
import { confirmationOf, openEnvelope, readUrl, withoutLinks } from "./kit/sns.ts";

/**
 * https://www.scaleway.com/en/docs/transactional-email/reference-content/webhook-events-payloads/ ; `email_dropped` is
 * reported after the receiving server refused permanently, `email_spam` if it considered the mail spam.
 */
const TYPES = table<readonly [EventType, Reason?]>({
  email_queued: ["queued"],
  email_deferred: ["deferred"],
  email_delivered: ["delivered"],
  email_dropped: ["bounced"],
  email_mailbox_not_found: ["bounced", "invalid"],
  email_spam: ["blocked", "content"],
  email_blocklisted: ["dropped", "suppressed"],
});

export const scaleway: Provider = {
  id: "scaleway",
  headers: [],
  /**
   * Credentials: shared secrets in the URL. The envelope has a signature, too, but it is undocumented how it is made,
   * so it neither proves nor refutes anything here.
   */
  ...provenByHead(verifySharedSecret),
  parse: (delivery) =>
    parseElements(delivery, jsonElements(delivery), (element, index) =>
      readElement(element, index, delivery),
    ),
  withoutProof: withoutLinks,
  handshake: (_request, delivery) => confirmationOf(delivery, subscribeUrl),
};

/** https://www.scaleway.com/en/docs/topics-and-events/ : the endpoint of a region. */
const HOST = /^sns\.mnq\.[a-z]{2}-[a-z]{3}\.scaleway\.com$/;

/** The link that confirms the subscription; http in the link is replaced by https, which leads to the same place. */
function subscribeUrl(message: JsonObject): string | null {
  const url = readUrl(message["SubscribeURL"]);
  if (url === null || !/^https?:$/.test(url.protocol) || !HOST.test(url.hostname)) return null;
  url.protocol = "https:";
  return url.searchParams.get("Action") === "ConfirmSubscription" ? url.href : null;
}

function readElement(element: JsonObject, index: number, { receivedAt }: Delivery): ElementResult {
  const opened = openEnvelope(element, subscribeUrl);
  if (!opened.ok) return opened;
  if (opened.value === "ping") return PING;
  const { report, id, publishedAt } = opened.value;
  const event = text(report["type"])?.toLowerCase();
  if (event === undefined) return fail("type is missing");
  const email = text(report["email_to"], LONGEST.words);
  const contact = address(email);
  // blocklist_created is about a domain's list and names no mail; if it names an address, it is stored.
  if (contact === null) return fail(email === null ? "email_to is missing" : "email_to is not an address");
  const occurredAt = time(report["created_at"] ?? publishedAt);
  const { type, ...details } = meaningOf(event, report);
  const core = {
    element: index,
    type,
    contact,
    message_id: text(report["email_id"], LONGEST.id),
    occurredAt,
    receivedAt,
    // For reports without an id. The number of attempts is left out.
    distinguishing: [event, text(id, LONGEST.id)],
    eventId: text(report["id"], LONGEST.id),
  };
  return ok([makeEvent(core, details)]);
}

function meaningOf(event: string, report: JsonObject): { type: EventType } & Partial<EventDetails> {
  const [type, mappedReason] = TYPES.get(event) ?? (["unknown"] as const);
  const description = text(report["email_error"], LONGEST.words);
  const smtp = findSmtp(description);
  const why = mappedReason ?? smtpReason(smtp);
  const details = {
    description,
    smtp,
    reason: type === "deferred" || type === "bounced" ? why : (mappedReason ?? null),
  };
  if (type !== "bounced") return { type, ...details };
  if (isSenders(why)) return { type: "blocked", ...details };
  // A server that still answered "later" at the last attempt has not refused permanently.
  return {
    type,
    ...details,
    bounce: smtp !== null && smtp.code !== null && smtp.code < 500 ? "soft" : "hard",
  };
}
