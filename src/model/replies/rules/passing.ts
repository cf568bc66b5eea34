// Replies about a moment's trouble: nobody's matter, and the next try may succeed.

import type { Rule } from "../rule.ts";

const IS = { class: "passing", reason: "technical" } as const;

/** A name that is not found now, which resembles one that does not exist. */
export const RETRY_RULES: readonly Rule[] = [
  {
    ...IS,
    name: "not found now",
    phrases: ["not exist try (again|later)", "domain temporarily"],
    example: "451 4.4.3 Host or domain name not found, try again",
    seen: "Postfix",
  },
];

/** DNS that does not answer now. */
export const DNS_RULES: readonly Rule[] = [
  {
    ...IS,
    name: "DNS trouble",
    phrases: [
      "(dns|name server|nameserver|resolver) (error|failure|timeout|timed out|temporary|query failed|lookup failed|lookup failure|problem|server failure|unreachable|unreliable)",
      "(malformed|unexpected) name server reply",
      "(servfail|dnstimeout)",
      "no (mail |mx )(server|servers|exchanger|host|hosts|record|records) (found|for|exists|available|could)",
      "no (mx|mxs)",
      "(mx|dns|mx info|domain) (lookup |resolution |)(failed|failure)",
      "unable (to |)(get|resolve|find|look up|lookup) (mx|host|domain|dns)",
      "(not|unable) resolve",
      "temporary (failure |error |)(in |)(name resolution|lookup|dns)",
    ],
    example: "550 5.4.312 The DNS query failed",
    seen: "Postfix, Exim, SendGrid, Exchange Online",
  },
];

/** Trouble that is named plainly, so it counts before a refusal of the sender: "Client host rejected: Greylisted". */
export const PLAIN_PASSING_RULES: readonly Rule[] = [
  {
    ...IS,
    name: "greylisting",
    phrases: [
      "(greylist|greylisted|greylisting|graylist|graylisted|graylisting|postgrey|gray listed|grey listed|grey listing|milter greylist|greylisting policy)",
      "(first|initial) (attempt|time|contact|delivery attempt)",
    ],
    example: "450 4.7.1 Recipient address rejected: Greylisted for five minutes",
    seen: "Postgrey, milter-greylist, Exim, Exchange",
  },
  {
    class: "passing",
    reason: "timed_out",
    name: "expired",
    phrases: [
      "(mail|delivery|queue|queued|retry|time|lifetime|transfer) (time |timeout |period |)(expired|expiration|timeout|timed out)",
      "(time|lifetime|retry|timeout|period|retries) exceeded",
      "(expired|gave up|giving up|retry timeout|retry time not reached|retry limit|maximum retries|retries exhausted)",
      "(too long|long time|longer than) .. (queue|days|hours|spool)",
      "(undelivered|undeliverable|not delivered|retrying|queued|trying) (for|after|within|in) .. (days|hours|time|tries|attempts|day)",
      "(unable|not) deliver (mail |)(for|after|within)",
      "after .. (attempts|tries|retries|days|hours)",
    ],
    example: "550 4.4.7 The message expired in the queue",
    seen: "Exchange (QUEUE.Expired), Postfix, PowerMTA",
  },
  {
    ...IS,
    name: "loop",
    phrases: [
      "(loop|looping|loops|mailloop|loopback)",
      "(too many|maximum|exceeded) (hops|hop|received|received headers|received lines)",
      "hop (count|limit)",
    ],
    example: "554 5.4.6 The mail went in a loop",
    seen: "Sendmail, Exchange, Postfix",
  },
  {
    ...IS,
    name: "system full",
    phrases: [
      "insufficient (system |server |local |)(storage|resources|resource|memory)",
      "(system|disk|server|partition|filesystem|file system|mail system|mail server) (is |)(full|busy|overloaded|overload|load too|too busy|out of)",
      "(out of memory|no space left on device|low on disk|low on resources|low on space|queue full|resources restricted)",
      "(resources|resource) (temporarily |)(unavailable|restricted|exhausted|not available|low)",
      "load (average|too high)",
    ],
    example: "452 4.3.1 Insufficient system storage",
    seen: "RFC 5321 (452), Exchange, Exim",
  },
];

/** Trouble that other words explain better, so it counts last: "Service unavailable; client host blocked". */
export const PASSING_RULES: readonly Rule[] = [
  {
    ...IS,
    name: "no connection",
    phrases: [
      "(connection|connections|connect|connect to host|tcp connection|smtp connection|session) (refused|reset|lost|dropped|closed|failed|died|broken|timed out|timeout|terminated|aborted|error|failure|time out|problem|interrupted|unexpectedly)",
      "(not|unable|unable to|failed|failed to) (connect|establish|reach|contact)",
      "(lost|bad|broken|no|dropped|failed) connection",
      "(network|host|server) (unreachable|error|down|not responding|not reachable|not answering|failure|problem|unavailable)",
      "name service error",
      "(no route|no answer|no response|not respond|not answer|not responding|timed out|timeout|time out|etimedout|econnrefused|econnreset|ehostunreach)",
      "(tls|ssl) (handshake |negotiation |)(failed|failure|error|not available|connection|problem|session)",
      "(conversation|dialogue|communication|transmission) .. (failed|timed out|lost|error)",
      "(all|no) .. (mx|relays|hosts|servers|exchangers) (failed|unreachable|down|unavailable|available)",
      "remote host .. not",
      "server .. (down|offline)",
    ],
    example: "451 4.4.1 Connection timed out",
    seen: "Postfix, Exim, Exchange, every ESP's own words",
  },
  {
    ...IS,
    name: "try again later",
    phrases: [
      "(try|retry|again|resend|come back|retried) (again |it |once more |)(later|in|soon|shortly|after|at|tomorrow|now)",
      "try again",
      "(temporarily|temporary|transient|transiently)",
      "verification in progress",
      "(deferred|deferring|defer|tempfail|temp fail|tempfailed|postponed)",
      "not .. (right now|now|at this time|this time|at moment)",
      "(user|mail box|file|spool) (busy|locked|in use)",
    ],
    example: "451 4.7.1 Please try again later",
    seen: "RFC 5321 (450, 451), Postfix, Exchange",
  },
  {
    ...IS,
    name: "system trouble",
    phrases: [
      "(service|system|server|smtp server|mail server|smtp service|mail service|gateway|store|backend|directory|database) (|temporarily |currently )(unavailable|not available|error|failure|problem|down|shutting down|closing|not ready|offline|crashed|not running)",
      "(internal|local|processing|unexpected|system|software|general|server|fatal|protocol|io|i o|queue file write|write|read) (server |system |processing |delivery |)(error|failure|problem|exception)",
      "(local|mail server|server|mail|system|alias) (configuration|misconfiguration|configured)",
      "(maintenance|shutting down|shutdown|overloaded|closing transmission|closing connection)",
      "(content |virus |milter |filter |scanner |antivirus )(scanner |filter |)(failed|failure|unavailable|timeout)",
      "error (writing|reading|processing|opening)",
      "(mailer error|delivery agent|disk failure|disk error)",
      "(ldap|sql|mysql|lookup|database|directory) (error|failure|failed|lookup|timeout|unavailable)",
    ],
    example: "554 The service is currently unavailable",
    seen: "RFC 5321 (421, 451), Exchange, Postfix",
  },
  {
    ...IS,
    name: "protocol",
    phrases: [
      "(sequence of commands|bad sequence|improper sequence|command sequence|out of sequence|syntax error|command unrecognized|command not recognized|command not implemented|command not supported|unrecognized command|unknown command|unimplemented|protocol error|pipelining|command rejected|command parameter|parameter not implemented|parameter not recognized|command unknown|not implemented)",
      "(need|send|expecting|expected) (rcpt|mail|helo|ehlo|data)",
    ],
    example: "503 5.5.1 Bad sequence of commands",
    seen: "RFC 5321 (500 to 504)",
  },
];
