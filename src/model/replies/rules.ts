// All rules for words in order of precedence: the first rule decides of which a reply contains a phrase. Words about the
// sender's own address come before those about the recipient's, which they resemble; those that name the user or the
// mailbox come before everything that refuses the sender; what only hints at the address comes last.

import type { Rule } from "./rule.ts";
import { ADDRESS_RULES, LOOSE_ADDRESS_RULES, WEAK_ADDRESS_RULES } from "./rules/address.ts";
import { CONTENT_RULES } from "./rules/content.ts";
import { IDENTITY_RULES } from "./rules/identity.ts";
import { FOREIGN_ADDRESS_RULES, FOREIGN_MAILBOX_RULES, FOREIGN_SENDER_RULES } from "./rules/languages.ts";
import { MAILBOX_RULES } from "./rules/mailbox.ts";
import { DNS_RULES, PASSING_RULES, PLAIN_PASSING_RULES } from "./rules/passing.ts";
import { RATE_RULES } from "./rules/rate.ts";
import { LATE_SENDER_RULES, SENDER_RULES } from "./rules/sender.ts";

/** Rules whose words count more than any code. */
export const PLAIN_RULES: readonly Rule[] = [
  ...RATE_RULES.slice(0, 1), // "too many unknown users"
  ...MAILBOX_RULES,
  ...FOREIGN_MAILBOX_RULES,
  ...IDENTITY_RULES,
  ...DNS_RULES,
  ...ADDRESS_RULES,
  ...PLAIN_PASSING_RULES,
  ...RATE_RULES.slice(1),
  ...SENDER_RULES,
  ...CONTENT_RULES,
  ...FOREIGN_SENDER_RULES.slice(0, -1),
  ...FOREIGN_ADDRESS_RULES,
  ...LOOSE_ADDRESS_RULES,
  ...LATE_SENDER_RULES,
  ...PASSING_RULES,
  ...FOREIGN_SENDER_RULES.slice(-1),
];

/** Rules whose words count less than a code about the sender, the content or the mailbox. */
export const WEAK_RULES: readonly Rule[] = WEAK_ADDRESS_RULES;
