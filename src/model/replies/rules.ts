// All rules for words in order of precedence: the first rule decides of which a reply contains a phrase. Words about the
// sender's own address come before those about the recipient's, which they resemble; those that name the user or the
// mailbox come before everything that refuses the sender; what only hints at the address comes last.

import type { Rule } from "./rule.ts";
import { ADDRESS_RULES, DOMAIN_RULES, LOOSE_ADDRESS_RULES, WEAK_ADDRESS_RULES } from "./rules/address.ts";
import { CONTENT_RULES, HEADER_RULES, LINK_RULES } from "./rules/content.ts";
import { CHOOSY_RULES, HOST_RULES, SENDERS_ADDRESS_RULES } from "./rules/identity.ts";
import {
  FURTHER_ADDRESS_RULES,
  FURTHER_MAILBOX_RULES,
  FURTHER_SENDER_RULES,
} from "./rules/further-languages.ts";
import {
  FOREIGN_ADDRESS_RULES,
  FOREIGN_MAILBOX_RULES,
  FOREIGN_PASSING_RULES,
  FOREIGN_SENDER_RULES,
} from "./rules/languages.ts";
import { MAILBOX_RULES } from "./rules/mailbox.ts";
import { DNS_RULES, PASSING_RULES, PLAIN_PASSING_RULES, RETRY_RULES } from "./rules/passing.ts";
import { QUOTA_RULES, RATE_RULES, TOO_MANY_RULES } from "./rules/rate.ts";
import { LATE_SENDER_RULES, SENDER_RULES } from "./rules/sender.ts";

/** Rules whose words count more than any code. */
export const PLAIN_RULES: readonly Rule[] = [
  ...QUOTA_RULES,
  ...MAILBOX_RULES,
  ...FOREIGN_MAILBOX_RULES,
  ...FURTHER_MAILBOX_RULES,
  ...TOO_MANY_RULES,
  ...SENDERS_ADDRESS_RULES,
  ...CHOOSY_RULES,
  ...HEADER_RULES,
  ...ADDRESS_RULES,
  ...HOST_RULES,
  ...RETRY_RULES,
  ...DOMAIN_RULES,
  ...DNS_RULES,
  ...RATE_RULES,
  ...PLAIN_PASSING_RULES,
  ...LINK_RULES,
  ...SENDER_RULES,
  ...CONTENT_RULES,
  ...FOREIGN_SENDER_RULES,
  ...FURTHER_SENDER_RULES,
  ...FOREIGN_ADDRESS_RULES,
  ...FURTHER_ADDRESS_RULES,
  ...LOOSE_ADDRESS_RULES,
  ...LATE_SENDER_RULES,
  ...PASSING_RULES,
  ...FOREIGN_PASSING_RULES,
];

/** Rules whose words count less than a code about the sender, the content or the mailbox. */
export const WEAK_RULES: readonly Rule[] = WEAK_ADDRESS_RULES;
