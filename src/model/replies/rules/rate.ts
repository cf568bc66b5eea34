// Replies that refuse how much comes at once. They say nothing of the address, even where they name it: "too many
// unknown recipients" is about a connection.

import type { Rule } from "../rule.ts";

const IS = { class: "rate", reason: "reputation" } as const;

/** Limits of the sender that are called a quota, and so resemble a full mailbox. */
export const QUOTA_RULES: readonly Rule[] = [
  {
    ...IS,
    name: "the sender's quota",
    phrases: [
      "(hourly|daily|sending|minute|rate|monthly|weekly|sender|bandwidth|connection|outbound|outgoing) (mail |user |recipient |sending |)quota",
    ],
    example: "550 5.4.5 The daily sending quota is used up",
    seen: "Gmail, SES",
  },
];

/** Limits of recipients, messages and connections that are called "too many". */
export const TOO_MANY_RULES: readonly Rule[] = [
  {
    ...IS,
    name: "too many recipients or messages",
    phrases: [
      "too many (|different |valid |invalid |bad |unknown |failed |nonexistent |wrong |unwanted |consecutive |simultaneous )(user|recipients|mail|messages|errors|requests|commands|bounces|attempts|rcpts|deliveries|complaints|domain|junk)",
      "too many .. (connections|from ip|from this|from your|per|at once|today|recently|sent)",
      "(many|maximum|max|number of|limit of|excess|excessive) (concurrent |simultaneous |parallel |open |smtp |new |active |)(connections|connection)",
      "(maximum|max|number of|excessive|limit on) (number of |)(recipients|messages|mail|unknown recipients) (per|for this|in this|in one|reached|exceeded|allowed)",
    ],
    example: "452 4.5.3 Too many recipients at once",
    seen: "Postfix, Sendmail, Exchange, Yahoo, RFC 5321 (452)",
  },
];

/** Other limits of the rate. */
export const RATE_RULES: readonly Rule[] = [
  {
    ...IS,
    name: "rate limit",
    phrases: [
      "(rate|throughput) (limit|limited|limits|limiting|exceeded|control|controls|too high|limitation|restriction|restricted|quota)",
      "(ratelimit|ratelimited|ratelimiting|throttle|throttled|throttling|throttles|slowdown|receivingrate|receivingratelimit|unsolicitedrateLimiterror)",
      "(receiving|received) mail (at|too|so)",
      "(mail|messages) at rate",
      "(sending|send|sends|sent|delivering|coming|arriving|connecting|connect) (mail |messages |)(too fast|too quickly|too many|too often|too frequently|too much|rate|more mail)",
      "(unusual|excessive|high|suspicious|unexpected|abnormal|increased) (rate|volume|traffic|amount|number|message rate|mail volume|load)",
      "(hourly|daily|sending|per hour|per day|per minute|minute|24 hour|weekly|monthly|bandwidth|mail sending|outgoing|user sending|outbound) (mail |message |messages |user |sending |recipient |)(limit|limits|quota|rate|allowance|allotment)",
      "(mail|messages|recipients|recipient|connections|connection|envelopes) (per|in the last|within one) (hour|minute|day|second|session|connection|hours|minutes)",
      "(connection|connections|message|messages|mail|recipient|recipients|sender|ip|envelope|frequency|traffic|volume|concurrency|receiving) (limit|limits|rate|frequency|count limit)",
      "(limit|limits) (exceeded |reached |)(for|from) (sender|ip|host|domain|client|hour|day|recipient)",
      "(hourly|daily|connection|sending|receiving) .. (limit|exceeded|quota)",
      "(frequency|connection frequency|ip frequency|domain frequency|sender frequency) (limited|limit)",
      "(slow down|slower|try slower|too fast|too quickly|too frequently|back off|reduce rate|reduce sending)",
      "(submission|message|sending|delivery|receiving) rate",
      "limit (exceeded|reached) .. (later|hour|minutes|day)",
    ],
    example: "421 4.7.28 Your server sends too fast, slow down",
    seen: "Gmail (4.7.28, 4.2.1), Exchange Online (5.2.121, 5.2.122, 4.7.650), Orange, Comcast, QQ",
  },
];
