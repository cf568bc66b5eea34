// Brevo, once Sendinblue: https://developers.brevo.com/docs/transactional-webhooks and
// https://developers.brevo.com/docs/marketing-webhooks
// One object per request, or batches of them. Nothing is signed, and no field is an event's own id: `id` is the id of
// the webhook.

import { fail, ok, type Result } from "../lib/result.ts";
import type { EventDetails, EventType, Reason } from "../model/event.ts";
import { verifySecretOrHeader } from "./kit/credentials.ts";
import { provenByHead } from "./kit/proof.ts";
import { isBlank, parseElements, PING, verbatim, type ElementResult } from "./kit/elements.ts";
import { LONGEST, makeEvent, metadata, recipients, table, tags, text } from "./kit/fields.ts";
import { isObject, readJson, readJsonText, type JsonObject } from "./kit/json.ts";
import { byName, firstText, firstTime, firstValue, texts, type NamedFields } from "./kit/loose-fields.ts";
import type { Delivery, Provider } from "./provider.ts";
import { judge } from "./kit/refusal.ts";
import { isSample } from "./kit/samples.ts";
import { findSmtp } from "./kit/smtp.ts";
import { typeOfWord } from "./kit/usual/types.ts";

interface Meaning {
  type: EventType;
  bounce?: "hard" | "soft";
  reason?: Reason;
  /** Brevo found out itself that the address is none. */
  isEvidence?: true;
  machine?: true;
  /** The word of the report that this one repeats. */
  repeats?: string;
}

/**
 * https://developers.brevo.com/docs/transactional-webhooks , https://developers.brevo.com/docs/marketing-webhooks ;
 * `request` is sent before Brevo has decided whether to send at all, and `blocked` for mails that it never sends. The
 * first open is reported twice, as `unique_opened` and as `opened`: two words for one event. Unsubscribes are
 * documented as `unsubscribe`, but arrive as `unsubscribed`. `list_addition` stays unknown: importing a list adds
 * contacts too, and an import must not lift an unsubscribe.
 */
const MEANINGS = table<Meaning>(
  {
    request: { type: "queued" },
    sent: { type: "queued" },
    delivered: { type: "delivered" },
    deferred: { type: "deferred" },
    soft_bounce: { type: "bounced", bounce: "soft" },
    hard_bounce: { type: "bounced", bounce: "hard" },
    invalid_email: { type: "bounced", bounce: "hard", reason: "invalid", isEvidence: true },
    invalid: { type: "bounced", bounce: "hard", reason: "invalid", isEvidence: true },
    blocked: { type: "dropped", reason: "suppressed" },
    error: { type: "failed", reason: "technical" },
    opened: { type: "opened" },
    unique_opened: { type: "opened", repeats: "opened" },
    proxy_open: { type: "opened", machine: true },
    unique_proxy_open: { type: "opened", machine: true, repeats: "proxy_open" },
    click: { type: "clicked" },
    spam: { type: "complained", reason: "spam" },
    complaint: { type: "complained", reason: "spam" },
    unsubscribe: { type: "unsubscribed" },
    unsubscribed: { type: "unsubscribed" },
    // The words of the API's log, which relays pass on.
    requests: { type: "queued" },
    hard_bounces: { type: "bounced", bounce: "hard" },
    soft_bounces: { type: "bounced", bounce: "soft" },
    clicks: { type: "clicked" },
    loaded_by_proxy: { type: "opened", machine: true, repeats: "proxy_open" },
  },
  "type",
);

export const brevo: Provider = {
  id: "brevo",
  headers: [],
  /**
   * https://developers.brevo.com/docs/secured-webhooks . Credentials: `user:password` for basic auth, or a token as
   * bearer, in the query, or in a header of the user's choice that `settings.secret_header` names.
   */
  ...provenByHead(verifySecretOrHeader),
  parse: (delivery) => parseElements(delivery, elementsOf(delivery), readElement),
  elements: verbatim(elementsOf),
  /**
   * `list_id` of marketing events, a list of ids. A contact that leaves several lists at once is taken to leave for
   * good.
   */
  scopeOf: (element) => {
    const [list, more] = isObject(element) ? tags(element["list_id"]) : [];
    return list === undefined || more !== undefined ? null : list;
  },
};

/**
 * A batch is an array, either bare or in an object: https://developers.brevo.com/docs/batch-webhooks does not show
 * which.
 */
function elementsOf(delivery: Delivery, parse?: (text: string) => unknown): Result<unknown[]> {
  if (isBlank(delivery.body)) return ok([]);
  const json = readJson(delivery.body, parse);
  if (!json.ok) return json;
  if (Array.isArray(json.value)) return ok(json.value);
  const fields = isObject(json.value) && !isEvent(json.value) ? Object.values(json.value) : [];
  const batch = fields.find((value) => Array.isArray(value) && value.some(isEvent));
  return ok(Array.isArray(batch) ? batch : [json.value]);
}

/** Fields that contain placeholders in Brevo's documentation, and so perhaps in its samples. */
const HAVE_PLACEHOLDERS = ["messageid", "sendingip", "subject", "date"];

const isEvent = (item: unknown): boolean => isObject(item) && item["event"] !== undefined;

function readElement(element: JsonObject, index: number, { receivedAt }: Delivery): ElementResult {
  const word = text(element["event"])
    ?.replaceAll(/([a-z])(?=[A-Z])/g, "$1_") // subscriptions to webhooks spell it `hardBounce`
    .replaceAll(/[-\s]/g, "_")
    .toLowerCase();
  if (word === undefined) return fail("event is missing");
  if (typeOfWord(word) === "ping") return PING;
  const fields = byName(element);
  // A list, if several contacts were deleted.
  const contacts = recipients(firstValue(fields, ["email", "recipient", "to"]));
  if (!contacts.ok) return contacts;
  if (isSample(contacts.value[0], () => texts(fields, HAVE_PLACEHOLDERS))) return PING;
  // Only `ts_epoch` (ms; seconds in Brevo's own sample) is certain to be UTC. `date` has no zone, so it is not read as
  // a time.
  const occurredAt = firstTime(fields, ["tsepoch", "tsevent", "ts"]);
  const meaning = MEANINGS.get(word) ?? { type: "unknown" };
  const { type, ...details } = detailsOf(meaning, fields);
  const core = {
    element: index,
    type,
    message_id: firstText(fields, ["messageid"], LONGEST.id),
    occurredAt,
    receivedAt,
    distinguishing: [
      meaning.repeats ?? word,
      details.url,
      details.user_agent,
      firstText(fields, ["campid"]),
      tags(firstValue(fields, ["listid"])).join(),
      occurredAt === null ? firstText(fields, ["date", "dateevent"]) : null,
    ],
  };
  return ok(contacts.value.map((contact) => makeEvent({ ...core, contact }, details)));
}

type Details = { type: EventType } & Partial<EventDetails> & Pick<EventDetails, "url" | "user_agent">;

function detailsOf(meaning: Meaning, fields: NamedFields): Details {
  const { type, bounce = null, isEvidence = false } = meaning;
  const description = firstText(fields, ["reason"], LONGEST.words);
  const custom = firstText(fields, ["xmailincustom"], LONGEST.metadata);
  const isJson = custom?.startsWith("{") === true;
  const smtp = findSmtp(description);
  const isFailure = type === "bounced" || type === "deferred";
  const reason = meaning.reason ?? (isFailure && description !== null ? "other" : null);
  return {
    ...judge({ type, bounce, reason, isEvidence }, smtp, description),
    description,
    smtp,
    campaign: firstText(fields, ["campaignname", "campid"]), // "campaign name", with a space
    custom_id: isJson ? null : text(custom, LONGEST.id),
    tags: tagsOf(fields),
    metadata: isJson ? metadata(custom) : {},
    url: firstText(fields, ["link", "url"], LONGEST.url),
    ip: type === "opened" || type === "clicked" ? firstText(fields, ["ip"]) : null,
    user_agent: firstText(fields, ["useragent"], LONGEST.words),
    machine: meaning.machine ?? null,
  };
}

/** The tags in `tags`, a list; else those in `tag`, which is one tag or the JSON of a list. */
function tagsOf(fields: NamedFields): string[] {
  const list = tags(firstValue(fields, ["tags"]));
  if (list.length > 0) return list;
  const tag = firstValue(fields, ["tag"]);
  const json = typeof tag === "string" && /^\s*\[/.test(tag) ? readJsonText(tag) : fail("no list");
  return tags(json.ok ? json.value : tag);
}
