// Replies about the sender's own address, host name or right to send. They count before those about the recipient,
// because they speak of addresses, users and domains too: "Domain of sender address does not exist".

import type { Rule } from "../rule.ts";

const IS = { class: "sender", reason: "policy" } as const;

/** The sender's address. */
export const SENDERS_ADDRESS_RULES: readonly Rule[] = [
  {
    ...IS,
    name: "sender address",
    phrases: [
      "sender (|domain |@ |user |name |verify |verification |callout |host |mail |id |header |envelope )(not |is not |)(rejected|unknown|exist|not found|invalid|failed|failure|failing|verified|verifiable|valid|resolve|resolvable|must|disabled|suspended|blocked|refused|unverified|unresolvable|error|mismatch|accepted|allowed|blacklist|banned|deferred|unroutable|unrouteable|authenticated|spoofed|forged|syntax|temporarily)",
      "(domain|host) (|name |part )(of|for|in) (|the )(sender|from|return path|envelope)",
      "domain (name |)sender",
      "(invalid|unknown|bad|unverified|unauthorized|forged|spoofed|unauthenticated|null|empty|rejected|blocked|denied|blacklisted|unacceptable|malformed|suspicious|untrusted|manually blocked|unauthorised|nonexistent) (envelope |)(sender|from address|return path|reverse path|mail from)",
      "(not|unable|failed|could not) (to |)(verify|complete|perform|validate) (|the )(sender|from address|mail from|return path)",
      "(callout|callback|sender) (verification|verify|check|callout|callback) (failed|failure|error|could|result)",
      "verification failed for",
      "sender (is |)(not|no) .. (allowed|exist|user|authorized|permitted|verified|valid|accepted)",
      "(mail from|from domain|return path|reverse path|envelope from) .. (rejected|invalid|not|denied|refused|blocked)",
      "(verify|check) (the |)(sender|return) address",
      "(blank|null) sender",
      "from (|an )(unknown|unresolvable|invalid|nonexistent|unregistered) (domain|host)",
      "domain not exist or dns",
      "(authentication failed|authentication failure|authentication unsuccessful|bad credentials|invalid credentials)",
      "user (name |)(and|or) password",
      "(from|sender) domain (not|unknown|must|invalid|empty|rejected|blocked|blacklisted|is not|exist)",
      "mail from .. (rejected|not|refused|blocked|banned|invalid)",
      "mail from unknown user (not|rejected)",
      "(not accepted|rejected) from unknown user",
      "authentication required .. (unknown user|user unknown)",
      "return user (unknown|not exist|invalid|rejected|unavailable)",
      "reply user (unknown|not exist|invalid|rejected|unavailable)",
      "return path user (unknown|not exist|invalid|rejected|unavailable)",
      "sender domain .. (not exist|null mx|nullmx|no mx)",
      "(spf|dkim|dmarc|dane) (domain |host |record |selector |)(not exist|unknown|invalid)",
      "(spf|dkim|dmarc|dane) (no|no such) (domain|host|record|selector|key)",
      "(backscatter|batv)",
      "relay for (unknown|invalid) user",
      "gateway user",
    ],
    example: "550 5.1.8 The domain of the sender's address does not exist",
    seen: "Postfix, Exim, Sendmail, Exchange, SES",
  },
  {
    ...IS,
    name: "unverified identity",
    phrases: [
      "identities failed check",
      "user not verified",
      "(identity|identities) not verified",
      "unverified domain",
    ],
    example: "554 The identity news@shop.example is not verified",
    seen: "SES",
  },
];

/** Recipients who take mail, but not from everybody; the words resemble those about recipients who take none. */
export const CHOOSY_RULES: readonly Rule[] = [
  {
    ...IS,
    name: "not from this sender",
    phrases: [
      "(user|domain|host|server) (not|no longer) (accepted|receive|receiving|receives) (any |)(mail |connections |)from",
      "no longer (accepted|receive) (any |)(mail|connections) from",
      "user rejected (receive|mail from)",
      "user (closed|restricted|disabled) (for |from |)(outside|external|internet)",
      "(outside|external|internet) sender",
      "not in (allowed |)(whitelist|allowlist|safelist)",
      "only from .. (sender|members|contacts)",
      "access rejected (for|from) (country|ip|host|network|client|server|sender|provider)",
    ],
    example: "550 This domain does not accept mail from your network",
    seen: "Exchange, hosting panels, mailing lists",
  },
];

/** Relaying, and the name of the host that sends. */
export const HOST_RULES: readonly Rule[] = [
  {
    ...IS,
    name: "relaying",
    phrases: [
      "(relay|relaying|relays|relayed) (access |mail |message |is |operation |)(rejected|denied|not|prohibited|disallowed|blocked|for|attempt|permission|host|user)",
      "(not|unable|no|deny|denied|open|cannot|wont|must authenticate to|authenticate to|rejected) (|to |allowed |allowed to |permitted |do )(relay|relaying)",
      "not (a |an |)(open |)relay",
      "(rcpthosts|relay access|relay denied|relayed)",
      "not in .. (rcpthosts|allowed|relay domains|list of allowed)",
      "domain not (hosted|local|allowed|handled|configured|served|in my|in our|permitted)",
      "not (hosted|handled) (here|on|by)",
      "(nonlocal|non local|not local) (domain|recipient domain)",
      "non accepted domain",
    ],
    example: "554 5.7.1 Relay access denied",
    seen: "Postfix, Exim, qmail, Exchange",
  },
  {
    ...IS,
    name: "host name of the sender",
    phrases: [
      "(ptr|rdns|fcrdns|reversedns|reverse dns|reverse lookup|reverse hostname|reverse host|reverse mapping|reverse domain|reverse record|forward confirmed|reverse ip)",
      "(reverse|forward) (dns |name |)(lookup|entry|resolution|pointer|name)",
      "(find|resolve|verify|determine) (client |sender |ip |reverse )(reverse |)(host|host name|ip)",
      "not find hostname",
      "(client|connecting|helo|ehlo|originating|sending|peer) (host|domain) (name |)(not exist|unknown|not valid|invalid)",
      "(unknown|invalid|bad|no such) (client|host in helo|host in ehlo|domain in helo|domain in ehlo)",
      "client host rejected unknown",
      "(helo|ehlo) .. (not exist|unknown|fqdn|fully qualified)",
      "(host|domain) .. in (helo|ehlo)",
      "(helo|ehlo) (command |name |host |hostname |argument |)(rejected|invalid|denied|required|not|mismatch|need|must|violates|syntax)",
      "(invalid|bad|forged|bogus|missing|wrong|valid|proper) (helo|ehlo)",
      "(dynamic|residential|dialup|dial up|dsl|dhcp|generic|consumer) (ip|address|host|hostname|range|pool|user|reverse|client|dns|network|rdns)",
      "client (host |name )(not|unknown)",
      "mail exchanger",
      "without .. (ptr|reverse|sender domain)",
      "(ip dynamic|per dul|dial up list)",
    ],
    example: "554 5.7.25 No PTR record for your IP address",
    seen: "Gmail (5.7.25), GMX, AOL, Postfix, Exim",
  },
];
