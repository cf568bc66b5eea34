// SparkPost, now Bird: https://developers.sparkpost.com/api/webhooks/
// Batches: an array of `{ "msys": { <class>: { ... } } }`, one event each. Nothing is signed.

import { fail, ok } from "../lib/result.ts";
import type { EventDetails, EventType, Reason } from "../model/event.ts";
import { verifySecretOrHeader } from "./kit/credentials.ts";
import { provenByHead } from "./kit/proof.ts";
import { jsonElements, parseElements, PING, type ElementResult } from "./kit/elements.ts";
import {
  countryCode,
  flag,
  LONGEST,
  makeEvent,
  metadata,
  objectAt,
  recipients,
  table,
  tags,
  text,
  time,
} from "./kit/fields.ts";
import { isObject, type JsonObject } from "./kit/json.ts";
import { filled } from "./kit/loose-fields.ts";
import type { Delivery, Provider } from "./provider.ts";
import { judge, type Judgement } from "./kit/refusal.ts";
import { smtpOf, reasonOfWords } from "./kit/smtp.ts";

/**
 * https://developers.sparkpost.com/api/webhooks/ ; a first open is reported twice, by the pixels at the top
 * (`initial_open`) and at the bottom of the mail (`open`), so customers should subscribe to only one of the two.
 */
const TYPES = table<EventType>(
  {
    injection: "queued",
    delivery: "delivered",
    delay: "deferred",
    bounce: "bounced",
    out_of_band: "bounced",
    policy_rejection: "dropped",
    generation_rejection: "dropped",
    generation_failure: "dropped", // the template could not be filled in
    open: "opened",
    initial_open: "opened",
    amp_open: "opened",
    amp_initial_open: "opened",
    click: "clicked",
    amp_click: "clicked",
    spam_complaint: "complained",
    list_unsubscribe: "unsubscribed",
    link_unsubscribe: "unsubscribed",
  },
  "type",
);

interface BounceClass {
  type: EventType;
  bounce?: "hard" | "soft";
  reason: Reason | null;
}

/**
 * https://support.sparkpost.com/docs/deliverability/bounce-classification-codes ; the receiving side's reaction, if the
 * event is a bounce. Classes 60, 80, 90 and 100 are answers to a mail that arrived; mails of 25 and 26 were never sent.
 */
const BOUNCE_CLASSES = table<BounceClass>(
  {
    "1": { type: "bounced", reason: "other" }, // undetermined
    "10": { type: "bounced", bounce: "hard", reason: "invalid" },
    "20": { type: "bounced", bounce: "soft", reason: "other" },
    "21": { type: "bounced", bounce: "soft", reason: "technical" }, // DNS
    "22": { type: "bounced", bounce: "soft", reason: "mailbox_full" },
    "23": { type: "blocked", reason: "content" }, // too large
    "24": { type: "bounced", bounce: "soft", reason: "timed_out" },
    "25": { type: "dropped", reason: "policy" }, // by SparkPost's own policies
    "26": { type: "dropped", reason: "suppressed" }, // by the customer's rule
    "30": { type: "bounced", bounce: "hard", reason: "other" },
    "40": { type: "bounced", bounce: "soft", reason: "other" },
    "50": { type: "blocked", reason: "policy" },
    "51": { type: "blocked", reason: "reputation" },
    "52": { type: "blocked", reason: "spam" },
    "53": { type: "blocked", reason: "content" }, // attachment
    "54": { type: "blocked", reason: "policy" }, // relaying denied
    "60": { type: "autoresponded", reason: null },
    "70": { type: "bounced", bounce: "soft", reason: "technical" },
    "80": { type: "subscribed", reason: null },
    "90": { type: "unsubscribed", reason: null },
    "100": { type: "autoresponded", reason: null }, // challenge and response
  },
  "reason",
);

export const sparkpost: Provider = {
  id: "sparkpost",
  headers: [],
  /**
   * https://developers.sparkpost.com/api/webhooks/ . Credentials: `user:password` for basic auth, or a token as bearer,
   * in the query, in the header that SparkPost itself used to choose, or in the header that `settings.secret_header`
   * names.
   */
  ...provenByHead((head, credentials, settings) =>
    verifySecretOrHeader(head, credentials, {
      secret_header: "x-messagesystems-webhook-token",
      ...settings,
    }),
  ),
  parse: (delivery) => parseElements(delivery, jsonElements(delivery), readElement),
  /**
   * https://developers.sparkpost.com/api/suppression-list/ : each subaccount has its own list, beside that of the main
   * account, which reports leave out or write as 0. SparkPost knows no finer list.
   */
  scopeOf: (element) => {
    const msys = isObject(element) ? element["msys"] : null;
    const [event] = isObject(msys) ? Object.values(msys) : [];
    const subaccount = isObject(event) ? text(event["subaccount_id"]) : null;
    return subaccount === "0" ? null : subaccount;
  },
};

/**
 * https://developers.sparkpost.com/api/webhooks/#webhooks-get-events-samples : a new webhook is tested with one sample
 * of each kind, about one invented mail, the same every time.
 */
const SAMPLE_RECIPIENT = "recipient@example.com";
const SAMPLE_IDS: ReadonlySet<string | null> = new Set([
  "92356927693813856",
  "000443ee14578172be22",
  "65832150921904138",
]);

function isSample(event: JsonObject): boolean {
  if (text(filled(event, "rcpt_to", "raw_rcpt_to"))?.toLowerCase() !== SAMPLE_RECIPIENT) return false;
  return ["event_id", "message_id", "transmission_id"].some((name) => SAMPLE_IDS.has(text(event[name])));
}

function readElement(element: JsonObject, index: number, { receivedAt }: Delivery): ElementResult {
  const msys = element["msys"];
  if (!isObject(msys)) return fail("msys is missing");
  // Classes are added and removed over time, so the only key is read, whatever its name.
  const [entry, ...others] = Object.entries(msys);
  if (entry === undefined) return PING; // posted when a webhook is created or tested
  const [name, event] = entry;
  if (others.length > 0 || !isObject(event)) return fail("msys does not hold one event");
  if (isSample(event)) return PING;
  const word = text(event["type"])?.toLowerCase() ?? name.slice(0, LONGEST.short); // inbound mail has no type
  const contacts = recipients(filled(event, "rcpt_to", "raw_rcpt_to"));
  if (!contacts.ok) return contacts;
  const occurredAt = time(event["timestamp"]);
  const { type, ...meaning } = meaningOf(word, event);
  const details = { ...detailsOf(type, event), ...meaning };
  const core = {
    element: index,
    type,
    // The API returns the transmission's id when the mail is sent; `message_id` is assigned only afterwards.
    message_id: text(event["transmission_id"], LONGEST.id) ?? text(event["message_id"], LONGEST.id),
    occurredAt,
    receivedAt,
    distinguishing: [
      word,
      text(event["message_id"], LONGEST.id),
      details.url,
      details.ip,
      details.user_agent,
    ],
    eventId: text(event["event_id"], LONGEST.id),
  };
  return ok(contacts.value.map((contact) => makeEvent({ ...core, contact }, details)));
}

function meaningOf(word: string, event: JsonObject): Judgement & Pick<EventDetails, "description" | "smtp"> {
  const bounceClass = text(event["bounce_class"]) ?? "";
  const mappedType = TYPES.get(word) ?? "unknown";
  const classified = mappedType === "bounced" ? BOUNCE_CLASSES.get(bounceClass) : undefined;
  const type = classified?.type ?? mappedType;
  const response = filled(event, "raw_reason", "reason");
  const smtp = smtpOf({ code: event["error_code"], words: response });
  const description = text(response, LONGEST.words);
  const finding = {
    type,
    bounce: classified?.bounce ?? null,
    reason: classified === undefined ? reasonOf(type, description) : classified.reason,
    isEvidence: bounceClass === "10", // the only class that names the recipient
  };
  return { ...judge(finding, smtp, description), description, smtp };
}

/** The reason of an event without a class, or with one that is not known. */
function reasonOf(type: EventType, description: string | null): Reason | null {
  if (type === "complained") return "spam";
  if (type === "dropped" && /suppress/i.test(description ?? "")) return "suppressed";
  return reasonOfWords(type, description);
}

function detailsOf(type: EventType, event: JsonObject) {
  return {
    campaign: text(event["campaign_id"]),
    tags: tags(event["rcpt_tags"]),
    metadata: metadata(event["rcpt_meta"]),
    url: text(event["target_link_url"], LONGEST.url),
    ip: text(event["ip_address"]),
    geo: countryCode(objectAt(event, "geo_ip")["country"]),
    user_agent: text(event["user_agent"], LONGEST.words),
    machine: machineOf(type, event),
  } satisfies Partial<EventDetails>;
}

/**
 * Whether a machine opened the mail: a prefetched pixel was not seen by a person. `is_proxy` is ignored, because
 * Gmail's proxy fetches when a person opens.
 */
function machineOf(type: EventType, event: JsonObject): boolean | null {
  if (type !== "opened" && type !== "clicked") return null;
  return flag(objectAt(event, "user_agent_parsed")["is_prefetched"]);
}
