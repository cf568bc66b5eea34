// What an enhanced status code says by itself, used where the words of a reply say nothing. The codes are RFC 3463's and
// those of IANA's registry (https://www.iana.org/assignments/smtp-enhanced-status-codes), with Microsoft's own.
// Servers choose codes carelessly, so only those count that are hardly ever used for something else.

import type { Reason } from "../event-words.ts";
import type { ReplyClass } from "./rule.ts";

/** The meaning of some enhanced codes. `codes` is matched against the part behind the first dot: "1.1" of 5.1.1. */
export interface CodeRule {
  name: string;
  codes: RegExp;
  class: ReplyClass;
  reason: Reason;
  /** A reply that this rule reads, in our own words. */
  example: string;
  /** Where such replies come from. */
  seen: string;
}

/** In order of precedence: a reply may contain several codes, and the first rule that knows one of them decides. */
export const CODE_RULES: readonly CodeRule[] = [
  {
    name: "code: mailbox full",
    codes: /^2\.2$/,
    class: "mailbox",
    reason: "mailbox_full",
    example: "552 5.2.2 Sorry",
    seen: "RFC 3463",
  },
  {
    name: "code: expired",
    codes: /^4\.(?:7|31[26])$/,
    class: "passing",
    reason: "timed_out",
    example: "550 4.4.7 Sorry",
    seen: "RFC 3463; Exchange Online 5.4.312 and 5.4.316",
  },
  {
    name: "code: too large",
    codes: /^(?:2\.3|3\.4)$/,
    class: "content",
    reason: "content",
    example: "552 5.3.4 Not with that",
    seen: "RFC 3463",
  },
  {
    name: "code: rate",
    codes: /^2\.12[12]$/,
    class: "rate",
    reason: "reputation",
    example: "550 5.2.122 Sorry",
    seen: "Exchange Online: limits of the recipient",
  },
  {
    name: "code: too many recipients",
    codes: /^(?:5\.3|7\.(?:28|29))$/,
    class: "rate",
    reason: "reputation",
    example: "452 4.5.3 Fewer at a time",
    seen: "RFC 3463; Gmail 4.7.28",
  },
  {
    name: "code: no such address",
    codes: /^(?:1\.(?:[1-3]|6|9|10|351)|7\.17)$/,
    class: "address",
    reason: "invalid",
    example: "550 5.1.1 Sorry",
    seen: "RFC 3463, RFC 7505 (5.1.10), RFC 7293 (5.7.17)",
  },
  {
    name: "code: disabled",
    codes: /^(?:2\.1|7\.(?:13|18))$/,
    class: "address",
    reason: "inactive",
    example: "550 5.2.1 Sorry",
    seen: "RFC 3463, RFC 5248 (5.7.13), RFC 7293 (5.7.18)",
  },
  {
    name: "code: the sender's address",
    codes: /^1\.[78]$/,
    class: "sender",
    reason: "policy",
    example: "550 5.1.7 Sorry",
    seen: "RFC 3463",
  },
  {
    name: "code: banned address",
    codes: /^7\.(?:5\d\d|6\d\d|70[0-8]|25|27)$/,
    class: "sender",
    reason: "reputation",
    example: "550 5.7.606 Sorry",
    seen: "Exchange Online: 5.7.501 to 5.7.708; RFC 7372 (5.7.25)",
  },
  {
    name: "code: policy",
    codes: /^7\./,
    class: "sender",
    reason: "policy",
    example: "550 5.7.1 Sorry",
    seen: "RFC 3463, RFC 7372",
  },
  {
    name: "code: content",
    codes: /^6\./,
    class: "content",
    reason: "content",
    example: "554 5.6.0 Sorry",
    seen: "RFC 3463",
  },
  {
    name: "code: network",
    codes: /^(?:3\.[125]|4\.(?:[1-6]|31\d))$/,
    class: "passing",
    reason: "technical",
    example: "554 5.4.6 Sorry",
    seen: "RFC 3463",
  },
];
