// Replies that say that nobody can be reached at the address. They name the user or the mailbox, so they count whatever
// the codes beside them are: "550 5.7.1 No such user" is no policy.

import type { Rule } from "../rule.ts";

const IS = { class: "address", reason: "invalid" } as const;
const IS_OFF = { class: "address", reason: "inactive" } as const;

/** Phrases that leave no doubt. */
export const ADDRESS_RULES: readonly Rule[] = [
  {
    ...IS,
    name: "no such user",
    phrases: [
      "(no|not) such (|a |local |virtual |domain |destination |valid |smtp |pop |final )user",
      "no (valid |known |matching |local |active |)user (here|by|with|under|exists|called|named|matches|matching|in this|on this|at this)",
      "(no one|nobody|noone) (here |)(by|with|under|named) (name|such)",
      "(invalidrecipient|nosuchuser|nosuchmailbox|nosuchrecipient|recipnotfound|recipientnotfound|exrecipnotfound|mailboxnotfound|usernotfound)",
      "no user (for|available)",
      "no one at address",
      "(no match|not) in directory",
      "not one user",
      "cuda nsu",
      "mail name not found",
    ],
    example: "550 5.7.1 There is no such mailbox here",
    seen: "Postfix, Sendmail, qmail, Exchange (RESOLVER.ADR.RecipNotFound), Gmail (?p=NoSuchUser)",
  },
  {
    ...IS,
    name: "user unknown",
    phrases: [
      "user (|name |id |is |local part )unknown",
      "unknown (|local |virtual |destination |remote |final |or illegal |or invalid |or disabled |or inactive |to |domain )user",
      "unknown (local part|localpart)",
      "(unknownuser|userunknown|unknownrecipient|recipientunknown)",
    ],
    example: "550 Unknown or illegal alias",
    seen: "Sendmail, Postfix, Exim, Lotus Domino, PowerMTA",
  },
  {
    ...IS,
    name: "user does not exist",
    phrases: [
      "user (id |name |tried reach |tried contact |trying reach |trying contact |entered |specified |sent |)(not|no longer) (exist|valid|listed|hosted|here|in|at|on|correct|configured|defined|provisioned|assigned|local|present|current|routable)",
      "not (|a |valid |known |recognized |correct |current |existing |an existing )user",
      "(no|not) longer (valid |a valid |exist )user",
      "(non existent|non existing|unable find|not find|unable locate|not locate|failed to find) user",
      "user (no longer|not longer) exists",
      "mail (who |)tried reach not exist",
      "dd user not",
    ],
    example: "550 5.1.1 The e-mail account does not exist",
    seen: "Gmail, Yahoo (554 delivery error: dd), Zoho, Yandex, cPanel",
  },
  {
    ...IS,
    name: "invalid recipient",
    phrases: [
      "(invalid|bad|illegal|incorrect|wrong|malformed|misspelled) (|local |destination |final delivery |final |mail |target |to |smtp )user",
      "user (name |syntax |)(invalid|incorrect|wrong|misspelled|malformed)",
      "(bad|invalid) (destination |)user syntax",
      "(badrcptto|badrecipientto)",
    ],
    example: "553 5.1.3 Bad destination mailbox address",
    seen: "Mimecast, Exim, Sendmail, Orange (OFR_416)",
  },
  {
    ...IS,
    name: "recipient address rejected: access denied",
    phrases: ["user rejected access denied", "user unavailable or access denied"],
    example: "550 5.4.1 Recipient address rejected: Access denied",
    seen: "Exchange Online: directory based edge blocking",
  },
  {
    ...IS_OFF,
    name: "account disabled",
    phrases: [
      "user (tried reach |tried contact |trying reach |permanently |no longer |)(disabled|closed|deleted|removed|terminated|suspended|frozen|expired|cancelled|canceled|discontinued|inactive|dormant|retired|abandoned|archived|withdrawn|erased|purged)",
      "(disabled|closed|inactive|suspended|deleted|discontinued|deactivated|terminated|dormant|archived) user",
      "user not (receive mail|active|in use|enabled|activated|in service|alive)",
      "not (active|an active|enabled) user",
      "user no longer (active|available|in use|used|monitored|accepts|accepting|receives|in service|operational|on server|here|at|with|works)",
      "no longer (with|works|working|employed|associated|employee|part of|at company|in company|uses|using|accepts mail)",
      "(disableduser|inactiveuser|accountdisabled|accountdisabledexception|mailboxdisabled|userdisabled)",
      "user .. (disabled|deactivated|discontinued)",
      "user tried mail (disabled|closed|deleted|inactive)",
      "user .. inactivity",
      "not (here|exist|valid|active|in use) anymore",
    ],
    example: "550 5.2.1 The mailbox was closed last year",
    seen: "Gmail (?p=DisabledUser), Yahoo, Postfix, Docomo, i.ua",
  },
  {
    ...IS_OFF,
    name: "moved",
    phrases: [
      "user (moved|replaced|changed|relocated|left|migrated|gone|departed|retired)",
      "user (no longer|now) (at|under) new",
      "new address (for|of)",
      "(left|leaving) (company|organization|organisation|firm)",
    ],
    example: "551 5.1.6 Ann's mailbox has moved elsewhere",
    seen: "RFC 5321 section 3.4 (551), Sendmail (5.1.6)",
  },
];

/** Phrases about the domain of the address, which is as dead as its mailboxes. */
export const DOMAIN_RULES: readonly Rule[] = [
  {
    ...IS,
    name: "no such domain",
    phrases: [
      "(host|domain|mail host|mail domain) (name |part |)(unknown|not exist|not found|invalid|not valid|no longer exists|expired|parked)",
      "(unknown|no such|illegal|nonexistent) (|destination |mail |target )(host|domain)",
      "(invalid|bad) (recipient|destination|recipients) (host|domain)",
      "domain must exist",
      "(nxdomain|infodomainnonexistent|nullmx|null mx)",
      "domain not (reachable|accept mail|receive mail|have mail)",
      "(mx records point|indicated no smtp service)",
      "domain never accepts mail",
      "host or domain name not found",
      "name or service not known",
      "(unrouteable|unroutable|nonroutable) (user|mail domain|domain|mail)",
      "user (unrouteable|unroutable)",
      "domain .. not exist",
    ],
    example: "550 Unrouteable mail domain",
    seen: "Exim, Postfix, Exchange (InfoDomainNonexistent), RFC 7505 (null MX)",
  },
];

/** Phrases with other words in between, which count after everything that refuses the sender or the content. */
export const LOOSE_ADDRESS_RULES: readonly Rule[] = [
  {
    ...IS,
    name: "user ... does not exist",
    phrases: [
      "user .. not exist",
      "user .. unknown",
      "user .. (invalid|undeliverable)",
      "user not .. user",
      "no .. (user|mailbox) (here|by that name|with that name|exists)",
      "(not|never) (heard of|know)",
      "user no longer",
      "(not|no longer) deliverable",
    ],
    example: "550 The user named in your mail was not found",
    seen: "Yahoo, Exchange, Lotus Domino, hosting panels",
  },
];

/** Phrases that mean the address only where nothing else is said, and for good only with a permanent code. */
export const WEAK_ADDRESS_RULES: readonly Rule[] = [
  {
    ...IS,
    name: "mailbox unavailable",
    phrases: [
      "user (unavailable|not available|unreachable|not reachable|undeliverable|not deliverable)",
      "(unavailable|undeliverable|unreachable) user",
      "user (verification|verify|callout|lookup) (failed|failure|error)",
    ],
    example: "550 Mailbox unavailable",
    seen: "RFC 5321 (550), GMX, Outlook.com",
  },
  {
    ...IS,
    name: "address rejected",
    phrases: [
      "user (rejected|not accepted|not allowed|bad)",
      "@ rejected",
      "no valid (user|recipients)",
      "(not accept|not accept mail for|not handle mail for|missing home) user",
      "user (not ok|missing home)",
      "not local user",
      "(rejected|bad) user",
    ],
    example: "550 Recipient rejected",
    seen: "Postfix, IronPort (#5.1.0 Address rejected), iPlanet (542 ... Rejected)",
  },
];
