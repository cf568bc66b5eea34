// Says in a sentence what a reply means and what to do about it, for people who answer customers.

import type { Reason } from "../event-words.ts";
import { CODE_RULES } from "./codes.ts";
import { readReply, type Reply, type ReplyReading } from "./read-reply.ts";
import type { ReplyClass } from "./rule.ts";
import { PLAIN_RULES, WEAK_RULES } from "./rules.ts";

/** What a reply means. `example`: a reply that the same rule reads; `seen`: which servers send such replies. */
export interface Explanation extends ReplyReading {
  example: string | null;
  seen: string | null;
  sentence: string;
}

const SENTENCES: Readonly<Record<ReplyClass, string>> = {
  address:
    "Nobody can be reached at this address. Ask the person for another one, and do not send to this one again.",
  mailbox:
    "The mailbox exists, but takes nothing more for now. Ask the person to make room, then send again.",
  sender:
    "The server refuses who sends, not the address. Whoever runs your mail should look at authentication, block lists and the sending IP.",
  content:
    "The server refuses what was sent, not the address. Look at the mail's content, links, size and headers.",
  rate: "Too much came at once. The address is fine; send more slowly, and the next try will succeed.",
  passing: "A moment's trouble at the receiving side. The address is fine; send again later.",
  unknown:
    "The reply does not say whose matter the refusal is. It is no proof that the address is dead; ask the receiving side.",
};

/** Sentences that a reason makes more exact than the class. */
const BY_REASON: Readonly<Partial<Record<ReplyClass, Partial<Record<Reason, string>>>>> = {
  address: {
    inactive:
      "The address was closed, disabled or moved. Ask the person for another one, and do not send to this one again.",
  },
  mailbox: {
    inactive:
      "The mailbox is shut for now, often because nobody uses it. Ask the person, and send again later.",
  },
  sender: {
    reputation:
      "The server distrusts your sending IP or domain, which is on a block list or has a bad reputation. The address is fine. Whoever runs your mail should ask the list to remove it.",
    policy:
      "A rule of the receiving side, or missing authentication (SPF, DKIM, DMARC), forbids the mail. The address is fine. Whoever runs your mail should look at it.",
  },
  passing: {
    timed_out:
      "No server took the mail in the time that the provider tries. The address may be fine; send again later.",
  },
};

/** What the reply means, by which rule, and what to do. */
export function explainReply(reply: Reply): Explanation {
  const reading = readReply(reply);
  const rule = [...PLAIN_RULES, ...WEAK_RULES, ...CODE_RULES].find(({ name }) => name === reading.rule);
  const exact = reading.reason === null ? undefined : BY_REASON[reading.class]?.[reading.reason];
  return {
    ...reading,
    example: rule?.example ?? null,
    seen: rule?.seen ?? null,
    sentence: exact ?? SENTENCES[reading.class],
  };
}
