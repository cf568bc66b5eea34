// Postmark's webhooks: https://postmarkapp.com/developer/webhooks/webhooks-overview
// One object per post, distinguished by RecordType. Webhooks that were made before that field exists send the same
// objects without it. There is no signature, but basic auth or headers of the customer's choice.

import { fail, ok } from "../../lib/result.ts";
import type { EventDetails } from "../../model/event.ts";
import { verifySecretOrHeader } from "../kit/credentials.ts";
import { provenByHead } from "../kit/proof.ts";
import { jsonElements, parseElements, PING, type ElementResult } from "../kit/elements.ts";
import {
  address,
  LONGEST,
  makeEvent,
  metadata,
  objectAt,
  tags,
  text,
  time,
  whyNoAddress,
} from "../kit/fields.ts";
import { isObject, type JsonObject } from "../kit/json.ts";
import { filled } from "../kit/loose-fields.ts";
import type { Delivery, Provider } from "../provider.ts";
import { meaningOf, recordOf, wordOf } from "./meaning.ts";

const NO_MESSAGE = "00000000-0000-0000-0000-000000000000";
const TEST_BOUNCE = "42";

export const postmark: Provider = {
  id: "postmark",
  headers: [],
  /**
   * Credentials: `user:password` for basic auth, else a token (bearer, `?token=`, or alone in the header that
   * `settings.secret_header` names, which is one of the webhook's HttpHeaders).
   */
  ...provenByHead(verifySecretOrHeader),
  parse: (delivery) => parseElements(delivery, jsonElements(delivery), readElement),
  /** Postmark suppresses by message stream: https://postmarkapp.com/developer/api/suppressions-api */
  scopeOf: (element) => (isObject(element) ? text(element["MessageStream"]) : null),
};

function readElement(element: JsonObject, index: number, delivery: Delivery): ElementResult {
  const record = recordOf(element);
  if (record === null)
    return fail(isObject(element["FromFull"]) ? "an inbound mail, no event" : "RecordType is missing");
  if (isTestPost(record, element)) return PING;
  // Bounces and complaints name the field Email, the others Recipient.
  const recipient = filled(element, "Recipient", "Email");
  const contact = address(recipient);
  if (contact === null) return fail(whyNoAddress("the recipient", recipient));
  const occurredAt = time(filled(element, "DeliveredAt", "BouncedAt", "ReceivedAt", "ChangedAt"));
  const { type, ...meaning } = meaningOf(record, element);
  const details = { ...detailsOf(element), ...meaning };
  const core = {
    element: index,
    type,
    contact,
    message_id: messageIdOf(element),
    occurredAt,
    receivedAt: delivery.receivedAt,
    distinguishing: [
      record,
      wordOf(element["Type"]) ?? wordOf(element["SuppressionReason"]),
      details.url,
      text(element["ClickLocation"]),
      details.ip,
      details.user_agent,
      details.campaign, // an address is suppressed in each stream separately
    ],
    // Bounces and complaints have an id of their own; no other report has an id that all retries are known to repeat.
    eventId: bounceId(record, element),
  };
  return ok([makeEvent(core, details)]);
}

/** The mail's id; null if it is all zeros: in test posts, and if the customer suppressed an address. */
function messageIdOf(element: JsonObject): string | null {
  const id = text(element["MessageID"], LONGEST.id);
  return id === NO_MESSAGE ? null : id;
}

/**
 * Whether the post comes from "Send test", which names no mail. A delivery, open or click always has a mail. A bounce
 * or complaint may have lost its mail, so it counts as a test only with the test's id. A subscription may change
 * without a mail, so it is never taken for a test.
 */
function isTestPost(record: string, element: JsonObject): boolean {
  if (element["MessageID"] !== NO_MESSAGE) return false;
  if (record === "delivery" || record === "open" || record === "click") return true;
  return (record === "bounce" || record === "spamcomplaint") && text(element["ID"]) === TEST_BOUNCE;
}

/** The id of a bounce or complaint, which may exceed 2^53; null for 0 and for other records. */
function bounceId(record: string, element: JsonObject): string | null {
  if (!/^(bounce|spamcomplaint|smtpapierror)$/.test(record)) return null;
  const id = text(element["ID"], LONGEST.id);
  return id === "0" ? null : id;
}

function detailsOf(element: JsonObject) {
  const geo = objectAt(element, "Geo");
  return {
    campaign: text(element["MessageStream"]),
    tags: tags(element["Tag"]),
    metadata: metadata(element["Metadata"]),
    url: text(element["OriginalLink"], LONGEST.url),
    ip: text(geo["IP"]),
    geo: text(geo["CountryISOCode"]),
    user_agent: text(element["UserAgent"], LONGEST.words),
  } satisfies Partial<EventDetails>;
}
