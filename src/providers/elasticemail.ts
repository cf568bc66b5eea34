// Elastic Email's HTTP notifications: https://help.elasticemail.com/en/articles/2376855
// One call per event, with its data in the query, or in a form or JSON body; unsigned, and without an event id.

import { fail, ok } from "../lib/result.ts";
import type { EventType, Reason } from "../model/event.ts";
import { verifySharedSecret } from "./kit/credentials.ts";
import { provenByHead } from "./kit/proof.ts";
import { parseElements, PING, type ElementResult } from "./kit/elements.ts";
import { address, LONGEST, makeEvent, table } from "./kit/fields.ts";
import { parseVerbatim, type JsonObject } from "./kit/json.ts";
import { byName, firstText, firstTime, isEmpty } from "./kit/loose-fields.ts";
import { parameterElements } from "./kit/parameters.ts";
import type { Delivery, Provider } from "./provider.ts";
import { findSmtp } from "./kit/smtp.ts";

/**
 * https://help.elasticemail.com/en/articles/2376855 : the notifications' words, followed by the API's words for the
 * same events. `Sent` is reported after the hand-over: mails that are still on their way are ReadyToSend, Sending or
 * WaitingToRetry.
 */
const TYPES = table<EventType>({
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
});

/**
 * https://help.elasticemail.com/en/articles/4804685 : the category of an error. NotDelivered are addresses that failed
 * before and were not tried again; BlackListed means that the sender is on a blocklist, not that the address is on
 * ours.
 */
const ERRORS = table<readonly [EventType, "hard" | "soft" | null, Reason]>({
  nomailbox: ["bounced", "hard", "invalid"],
  greylisted: ["bounced", "soft", "technical"],
  throttled: ["bounced", "soft", "technical"],
  timeout: ["bounced", "soft", "timed_out"],
  connectionproblem: ["bounced", "soft", "technical"],
  connectionterminated: ["bounced", "soft", "technical"],
  dnsproblem: ["bounced", "soft", "technical"],
  accountproblem: ["bounced", "soft", "other"],
  codeerror: ["bounced", "soft", "technical"],
  spam: ["blocked", null, "content"],
  contentfilter: ["blocked", null, "content"],
  blacklisted: ["blocked", null, "reputation"],
  spfproblem: ["blocked", null, "policy"],
  whitelistingproblem: ["blocked", null, "policy"],
  notdelivered: ["dropped", null, "suppressed"],
  notdeliveredcancelled: ["dropped", null, "other"],
  manualcancel: ["dropped", null, "other"],
  ignore: ["failed", null, "other"],
  unknown: ["failed", null, "other"],
});

export const elasticemail: Provider = {
  id: "elasticemail",
  headers: [],
  deliversByGet: true,
  /**
   * Credentials: `user:password` or a token, both as part of the URL. Newer posts carry `X-ElasticEmail-Signature`, but
   * it is not published what that header signs, so it neither proves nor refutes anything here.
   */
  ...provenByHead(verifySharedSecret),
  parse: (delivery) =>
    parseElements(delivery, parameterElements(delivery), (element, index) =>
      readElement(element, index, delivery),
    ),
  elements: (delivery) => {
    const elements = parameterElements(delivery, parseVerbatim);
    return elements.ok ? elements.value : [];
  },
};

function readElement(element: JsonObject, index: number, delivery: Delivery): ElementResult {
  if (Object.values(element).every(isEmpty)) return PING; // a test call names the parameters and fills in none
  const fields = byName(element); // the case of the parameters varies
  const word = firstText(fields, ["status", "event", "eventtype"])?.toLowerCase() ?? null;
  if (word === null) return fail("status is missing");
  const email = firstText(fields, ["to", "recipient", "email"], LONGEST.words);
  const contact = address(email);
  if (contact === null) return fail(email === null ? "to is missing" : "to is not an address");
  const occurredAt = firstTime(fields, ["date", "eventdate", "timestamp"]); // US style and UTC
  const category = firstText(fields, ["category"]);
  const named = TYPES.get(word) ?? "unknown";
  const [type, bounce, failure] = named === "failed" ? errorOf(category) : ([named, null, null] as const);
  const words = firstText(fields, ["message", "errormessage"], LONGEST.words);
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
    reason: type === "complained" ? ("spam" as const) : failure,
    description: words ?? (failure === null ? null : category),
    smtp: findSmtp(words),
    campaign: firstText(fields, ["channel"]),
    custom_id: firstText(fields, ["postback"], LONGEST.id), // the value of the mail's X-ElasticEmail-Postback
    url,
    ip,
    user_agent,
  };
  return ok([makeEvent(core, details)]);
}

/** The meaning of an error; without a known category, an error only shows that the mail did not arrive. */
function errorOf(category: string | null): readonly [EventType, "hard" | "soft" | null, Reason] {
  return ERRORS.get(category?.toLowerCase() ?? "") ?? ["failed", null, "other"];
}
