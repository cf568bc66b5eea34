// Elastic Email's HTTP notifications: https://help.elasticemail.com/en/articles/2376855
// One call per event, with its data in the query, or in a form or JSON body; unsigned, and without an event id.

import { fail, ok } from "../lib/result.ts";
import type { EventType } from "../model/event.ts";
import { verifySharedSecret } from "./kit/credentials.ts";
import { provenByHead } from "./kit/proof.ts";
import { parseElements, PING, verbatim, type ElementResult } from "./kit/elements.ts";
import { address, LONGEST, makeEvent, table, whyNoAddress } from "./kit/fields.ts";
import { isObject, type JsonObject } from "./kit/json.ts";
import { byName, firstText, firstTime, firstValue, isEmpty, plainName } from "./kit/loose-fields.ts";
import { parameterElements } from "./kit/parameters.ts";
import type { Delivery, Provider } from "./provider.ts";
import { judge, type Finding } from "./kit/refusal.ts";
import { smtpOf } from "./kit/smtp.ts";

/**
 * https://help.elasticemail.com/en/articles/2376855 : the notifications' words, followed by the API's words for the
 * same events. `Sent` is reported after the hand-over: mails that are still on their way are ReadyToSend, Sending or
 * WaitingToRetry.
 */
const TYPES = table<EventType>(
  {
    sent: "delivered",
    opened: "opened",
    clicked: "clicked",
    error: "failed", // its category decides what failed, see ERRORS
    abusereport: "complained",
    unsubscribed: "unsubscribed",

    submission: "queued",
    readytosend: "queued",
    sending: "queued",
    waitingtoretry: "deferred",
    failedattempt: "deferred",
    open: "opened",
    click: "clicked",
    bounce: "failed",
    complaint: "complained",
    unsubscribe: "unsubscribed",
  },
  "type",
);

/**
 * https://help.elasticemail.com/en/articles/4804685 : the category of an error. NotDelivered are addresses that failed
 * before and were not tried again; BlackListed means that the sender is on a blocklist, not that the address is on
 * ours.
 */
const ERRORS = table<Finding>(
  {
    nomailbox: { type: "bounced", bounce: "hard", reason: "invalid", isEvidence: true },
    greylisted: { type: "bounced", bounce: "soft", reason: "technical" },
    throttled: { type: "bounced", bounce: "soft", reason: "technical" },
    timeout: { type: "bounced", bounce: "soft", reason: "timed_out" },
    connectionproblem: { type: "bounced", bounce: "soft", reason: "technical" },
    connectionterminated: { type: "bounced", bounce: "soft", reason: "technical" },
    dnsproblem: { type: "bounced", bounce: "soft", reason: "technical" },
    accountproblem: { type: "bounced", bounce: "soft", reason: "other" },
    codeerror: { type: "bounced", bounce: "soft", reason: "technical" },
    spam: { type: "blocked", bounce: null, reason: "content" },
    contentfilter: { type: "blocked", bounce: null, reason: "content" },
    blacklisted: { type: "blocked", bounce: null, reason: "reputation" },
    spfproblem: { type: "blocked", bounce: null, reason: "policy" },
    whitelistingproblem: { type: "blocked", bounce: null, reason: "policy" },
    notdelivered: { type: "dropped", bounce: null, reason: "suppressed" },
    notdeliveredcancelled: { type: "dropped", bounce: null, reason: "other" },
    manualcancel: { type: "dropped", bounce: null, reason: "other" },
    ignore: { type: "failed", bounce: null, reason: "other" },
    unknown: { type: "failed", bounce: null, reason: "other" },
  },
  "reason",
);

export const elasticemail: Provider = {
  id: "elasticemail",
  headers: [],
  deliversByGet: true,
  /**
   * Credentials: `user:password` or a token, both as part of the URL. Newer posts carry `X-ElasticEmail-Signature`, but
   * it is not published what that header signs, so it neither proves nor refutes anything here.
   */
  ...provenByHead(verifySharedSecret),
  parse: (delivery) => parseElements(delivery, parameterElements(delivery), readElement),
  elements: verbatim(parameterElements),
  /** The list that an unsubscribe is about. That a notification names it is a guess; the documented ones do not. */
  scopeOf: (element) =>
    isObject(element) ? firstText(byName(element), ["listid", "list", "listname"]) : null,
};

function readElement(element: JsonObject, index: number, delivery: Delivery): ElementResult {
  if (Object.values(element).every(isEmpty)) return PING; // a test call names the parameters and fills in none
  const fields = byName(element); // the case of the parameters varies
  const word = firstText(fields, ["status", "event", "eventtype"])?.toLowerCase() ?? null;
  if (word === null) return fail("status is missing");
  const email = firstText(fields, ["to", "recipient", "email"], LONGEST.words);
  const contact = address(email);
  if (contact === null) return fail(whyNoAddress("to", email));
  const occurredAt = firstTime(fields, ["date", "eventdate", "timestamp"]); // US style and UTC
  const category = firstText(fields, ["category"]);
  const words = firstText(fields, ["message", "errormessage", "friendlyerrormessage"], LONGEST.words);
  const smtp = smtpOf({ code: firstValue(fields, ["errorcode", "smtpcode"]), words });
  const { type, bounce, reason } = judge(findingOf(word, category), smtp, words);
  const transaction = firstText(fields, ["transaction", "transactionid"], LONGEST.id);
  const url = firstText(fields, ["target"], LONGEST.url);
  const ip = firstText(fields, ["ip", "ipaddress"]);
  const user_agent = firstText(fields, ["useragent"], LONGEST.words);
  const core = {
    element: index,
    type,
    contact,
    message_id: firstText(fields, ["messageid", "msgid"], LONGEST.id) ?? transaction,
    occurredAt,
    receivedAt: delivery.receivedAt,
    distinguishing: [word, category, transaction, url, ip, user_agent],
  };
  const details = {
    bounce,
    reason,
    description: words ?? (TYPES.get(word) === "failed" ? (category ?? null) : null),
    smtp,
    campaign: firstText(fields, ["channel"]),
    custom_id: firstText(fields, ["postback"], LONGEST.id), // the value of the mail's X-ElasticEmail-Postback
    url,
    ip,
    user_agent,
  };
  return ok([makeEvent(core, details)]);
}

/** What Elastic Email says; without a known category, an error only shows that the mail did not arrive. */
function findingOf(word: string, category: string | null): Finding {
  const type = TYPES.get(word) ?? "unknown";
  if (type !== "failed") return { type, bounce: null, reason: type === "complained" ? "spam" : null };
  return ERRORS.get(plainName(category ?? "")) ?? { type, bounce: null, reason: "other" };
}
