// The categories into which mail servers sort what was refused. PowerMTA's and KumoMTA's words are used far beyond them,
// also by providers that publish no list of their words: https://docs.kumomta.com/userguide/configuration/bounce/

import { plainName } from "./loose-fields.ts";
import type { Finding } from "./refusal.ts";

const BLOCKED = { type: "blocked", bounce: null } as const;
const HARD = { type: "bounced", bounce: "hard", isEvidence: true } as const;
const SOFT = { type: "bounced", bounce: "soft" } as const;

const FINDINGS: readonly (readonly [Finding, string])[] = [
  [
    { ...HARD, reason: "invalid" },
    "badmailbox baddomain invalidrecipient invalidmailbox invaliddomain invalidaddress invalid nosuchuser userunknown unknownuser mailboxnotfound recipientnotfound bademail bademailaddress addressnotfound",
  ],
  [
    { ...HARD, reason: "inactive" },
    "inactivemailbox mailboxinactive inactive inactiverecipient mailboxdisabled accountdisabled",
  ],
  [{ ...SOFT, reason: "mailbox_full" }, "quotaissues quotaissue mailboxfull overquota quotaexceeded"],
  [{ ...SOFT, reason: "timed_out" }, "messageexpired expired noanswerfromhost timeout timedout"],
  [
    { ...SOFT, reason: "technical" },
    "badconnection badconfiguration protocolerrors protocolerror routingerrors routingerror dnsfailure dnserror transientfailure transient greylisted greylisting connectionerror networkerror technical",
  ],
  [
    { ...BLOCKED, reason: "policy" },
    "policyrelated policy invalidsender relayingissues relayingdenied relaydenied authenticationfailed authenticationissues dmarc spf dkim challengeresponse",
  ],
  [
    { ...BLOCKED, reason: "content" },
    "spam spamrelated spamcontent contentrelated content virusrelated virus virusblock prohibitedattachment messagetoolarge toolarge attachment",
  ],
  [
    { ...BLOCKED, reason: "reputation" },
    "spamblock blocklisted blacklisted blocked reputation ratelimited throttled throttling ipreputation domainreputation",
  ],
];

const BY_WORD: ReadonlyMap<string, Finding> = new Map(
  FINDINGS.flatMap(([finding, words]) => words.split(" ").map((word) => [word, finding] as const)),
);

/** What a category says, compared without case and separators; null for any other word, such as "other". */
export function findingOfCategory(word: string | null): Finding | null {
  return word === null ? null : (BY_WORD.get(plainName(word)) ?? null);
}
