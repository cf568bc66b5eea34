// Scaleway Transactional Email:
// https://www.scaleway.com/en/docs/transactional-email/reference-content/webhook-events-payloads/
// Its webhooks publish to a topic of Scaleway's Topics and Events, which follows SNS: the same envelope, and the same
// confirmation of a new URL.

import { fail, ok } from "../lib/result.ts";
import type { EventDetails, EventType, Reason } from "../model/event.ts";
import { verifySharedSecret } from "./kit/credentials.ts";
import { provenByHead } from "./kit/proof.ts";
import { jsonElements, parseElements, PING, type ElementResult } from "./kit/elements.ts";
import { LONGEST, makeEvent, recipients, table, text, time } from "./kit/fields.ts";
import type { JsonObject } from "./kit/json.ts";
import { byName, firstText, firstValue } from "./kit/loose-fields.ts";
import type { Delivery, Provider } from "./provider.ts";
import { judge, type Judgement } from "./kit/refusal.ts";
import { smtpOf } from "./kit/smtp.ts";
import { confirmationOf, openEnvelope, readUrl, withoutLinks } from "./kit/sns.ts";

/**
 * https://www.scaleway.com/en/docs/transactional-email/reference-content/webhook-events-payloads/ ; `email_dropped` is
 * reported after the receiving server refused permanently, `email_spam` if it considered the mail spam.
 */
const TYPES = table<readonly [EventType, Reason?]>(
  {
    email_queued: ["queued"],
    email_deferred: ["deferred"],
    email_delivered: ["delivered"],
    email_dropped: ["bounced"],
    email_mailbox_not_found: ["bounced", "invalid"],
    email_spam: ["blocked", "content"],
    email_blocklisted: ["dropped", "suppressed"],
  },
  "type",
);

export const scaleway: Provider = {
  id: "scaleway",
  headers: [],
  /**
   * Credentials: shared secrets in the URL. The envelope has a signature, too, but it is undocumented how it is made,
   * so it neither proves nor refutes anything here.
   */
  ...provenByHead(verifySharedSecret),
  parse: (delivery) => parseElements(delivery, jsonElements(delivery), readElement),
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
  // blocklist_created is about a domain's list and names no mail; if it names an address, it is stored.
  const contacts = recipients(report["email_to"]);
  if (!contacts.ok) return contacts;
  const occurredAt = time(report["created_at"] ?? publishedAt);
  const { type, ...details } = meaningOf(event, report);
  const core = {
    element: index,
    type,
    message_id: text(report["email_id"], LONGEST.id),
    occurredAt,
    receivedAt,
    // For reports without an id. The number of attempts is left out.
    distinguishing: [event, text(id, LONGEST.id)],
    eventId: text(report["id"], LONGEST.id),
  };
  return ok(contacts.value.map((contact) => makeEvent({ ...core, contact }, details)));
}

/**
 * Names of the fields that contain the server's reply. `email_error`, the older one, contains all of it. The page names
 * code and message; the forms without a prefix are guesses.
 */
const CODES = ["emailresponsecode", "responsecode", "emailcode", "smtpcode", "code"];
const MESSAGES = [
  "emailresponsemessage",
  "responsemessage",
  "emailmessage",
  "smtpmessage",
  "message",
  "emailerror",
  "error",
];

function meaningOf(
  event: string,
  report: JsonObject,
): Judgement & Pick<EventDetails, "description" | "smtp"> {
  const [type, reason = null] = TYPES.get(event) ?? (["unknown"] as const);
  const fields = byName(report);
  const description = firstText(fields, MESSAGES, LONGEST.words);
  const smtp = smtpOf({ code: firstValue(fields, CODES), words: description });
  // A server that still answered "later" at the last attempt has not refused permanently.
  const isTemporary = smtp !== null && smtp.code !== null && smtp.code < 500;
  const bounce = type === "bounced" ? (isTemporary ? "soft" : "hard") : null;
  const isEvidence = event === "email_mailbox_not_found";
  return { ...judge({ type, bounce, reason, isEvidence }, smtp, description), description, smtp };
}
