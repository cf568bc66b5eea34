// The words that email systems use for events. They are the union of the words of the known providers (each provider's
// own file links its documentation), for systems that have no file of their own.

import type { EventType } from "../../../model/event.ts";
import { plainName } from "../loose-fields.ts";
import { memoize } from "../../../lib/memoize.ts";

/** Plain words (no case, no separators), without a plural "s" and without the prefixes below, by type. */
const WORDS: readonly (readonly [EventType, string])[] = [
  ["queued", "queued queue processed accepted scheduled"],
  ["sent", "sent send"],
  ["delivered", "delivered delivery deliver deliverysucceeded deliverysuccess"],
  [
    "deferred",
    "deferred deferral defer delayed delay deliverydelayed temporaryfail temporaryfailure temporaryfailed tempfail transienterror",
  ],
  [
    "bounced",
    "bounced bounce hardbounced hardbounce bouncehard softbounced softbounce bouncesoft permanentbounce transientbounce temporarybounce permanentfail permanentfailure permanentfailed",
  ],
  ["blocked", "blocked block"],
  ["dropped", "dropped drop suppressed rejected reject"],
  [
    "failed",
    "failed failure fail error deliveryfailed deliveryfailure deliveryerror undelivered undeliverable",
  ],
  ["opened", "opened open proxyopen"],
  ["clicked", "clicked click"],
  [
    "complained",
    "complained complaint complain spam spamreport spamreported spamcomplaint markedasspam abuse abusereport feedbackloop",
  ],
  ["unsubscribed", "unsubscribed unsubscribe unsub optout optedout"],
  ["subscribed", "subscribed subscribe resubscribed resubscribe optin optedin"],
  [
    "autoresponded",
    "autoresponded autoresponse autoresponder autoreply autoreplied autorespond outofoffice vacationreply",
  ],
];

const TYPES: ReadonlyMap<string, EventType> = new Map(
  WORDS.flatMap(([type, words]) => words.split(" ").map((word) => [word, type] as const)),
);

/**
 * Prefixes to remove: `email.opened`, `mail_open`, `link_clicked`, `list_unsubscribe`, `first_open`, `webhook.test`.
 */
const PREFIXES =
  /^(?:outbound|outgoing|smtp|emails?|mails?|messages?|events?|contacts?|recipients?|transactional|activity|webhooks?|link|list|group|unique|first|initial)+/;

const PINGS: ReadonlySet<string> = new Set(["test", "ping", "testping", "testevent", "testwebhook"]);

/** The type for a sender's own word; "ping" for test calls, "unknown" for any other word. */
export const typeOfWord = memoize((word): EventType | "ping" => {
  const plain = plainName(word);
  const bare = plain.replace(PREFIXES, "");
  for (const form of [plain, bare, bare.replace(/s$/, "")]) {
    if (PINGS.has(form)) return "ping";
    const type = TYPES.get(form);
    if (type !== undefined) return type;
  }
  return "unknown";
});
