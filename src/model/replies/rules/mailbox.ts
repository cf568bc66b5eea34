// Replies of mailboxes that exist and take nothing more for now.

import type { Rule } from "../rule.ts";

const IS_FULL = { class: "mailbox", reason: "mailbox_full" } as const;

/** Full mailboxes, and those that their owners or providers keep shut for now. */
export const MAILBOX_RULES: readonly Rule[] = [
  {
    class: "mailbox",
    reason: "inactive",
    name: "full for long",
    phrases: ["storage space and inactive", "(overquotaperm|full and inactive)", "quota and inactive"],
    example: "550 5.2.2 The inbox is out of storage space and inactive",
    seen: "Gmail (?p=OverQuotaPerm)",
  },
  {
    ...IS_FULL,
    name: "mailbox full",
    phrases: [
      "user (full|filled|overflow|tried reach full|space full|quota|exceeded|overquota)",
      "(full|overfull) user",
      "(overquota|overquotatemp|overquotatemporary|mailboxfull|quotaexceeded|mapiexceptionshutoffquotaexceeded|overlimit)",
      "over (|its |storage |disk |allotted |allowed |mail |user )quota",
      "(diskspace|userdisk|domaindisk|disc|disk|storage|mailbox) (quota|full)",
      "quota (exceeded|full|reached|violation|limit|overflow|error|problem)",
      "exceeded (storage|disk|user|maximum|allotted|allowed|mail|available|permitted) (quota|storage|space|allocation)",
      "exceeded (quota|storage|allocation|allotted space)",
      "(quota|storage|space|capacity|allocation) (limit |allocation |for user |)exceeded",
      "out of (storage|space|disk|quota)",
      "(not|no) (enough|sufficient|more|free) (storage|space|disk|room|quota)",
      "insufficient (disk |mailbox |user |storage |free |)(space|quota)",
      "no (space|room|quota) (left|for|in|available|remaining)",
      "user (too large|too big|size exceeded|size limit|storage|at capacity|over limit|above limit|limit reached)",
      "user (too many|contains too many|reached) (mail|maximum|limit)",
      "(inbox|folder|mailfolder|maildir|mail folder|mail file|spool|mail box|mailspool) (full|over|exceeded|overflow)",
      "user .. (quota|full|over quota)",
    ],
    example: "552 5.1.1 Ann's mailbox is full",
    seen: "Gmail, Exchange (STOREDRV), Dovecot, Cyrus, Yahoo, RFC 5321 (552)",
  },
  {
    class: "mailbox",
    reason: "inactive",
    name: "shut for now",
    phrases: [
      "user (disabled|locked|suspended|inactive) temporarily",
      "user temporarily (disabled|locked|suspended|inactive|blocked|deactivated|frozen|closed)",
      "temporarily (disabled|locked|suspended|inactive|deactivated) user",
      "user not (accepting|receiving|able to receive) (any |new |any new |)(mail|messages)",
    ],
    example: "450 4.2.1 The account is temporarily disabled",
    seen: "Dovecot, Zimbra, Yahoo",
  },
];
