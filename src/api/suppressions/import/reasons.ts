// The words by which lists say why an address is on them, and what each of them means here. A list that mixes the two
// meanings of "blocked" is the usual trap: SendGrid's and Mailgun's blocks are refusals of one mail, which say nothing
// about the address.

import type { SuppressionReason } from "../../../model/suppression/policy.ts";

/**
 * The meaning of a word. `block`: one mail was refused, which suppresses nobody. `mailable`: the contact is in order
 * there. `nothing`: the word is known and says nothing about a suppression.
 */
export type Verdict = SuppressionReason | "block" | "mailable" | "nothing";

/** By the letters alone, in lower case. */
const WORDS: Readonly<Record<Verdict, string>> = {
  hard_bounce:
    "hardbounce hardbounces hardbounced hard bounce bounces bounced bouncerule permanent permanentbounce permanentfailure " +
    "permanentfail permanentunavailable invalid invalidemail invalidemails invalidaddress invalidrecipient " +
    "invalidmailbox bademail bademailaddress cleaned undeliverable nomailbox mailboxnotfound nosuchuser unknownuser " +
    "doesnotexist emaildoesnotexist badaddress",
  complaint:
    "complaint complaints complained complainer spam spamcomplaint spamcomplaints spamreport spamreports spamreported " +
    "reportedspam markedasspam contactflaggedasspam abuse abusecomplaint feedbackloop fbl",
  unsubscribed:
    "unsubscribed unsubscribe unsubscribes unsub unsubs unsubscription unsubscriptions optout optouts optedout " +
    "globalunsubscribe globalunsubscribes groupunsubscribe groupunsubscribes listunsubscribe unsubscribelink " +
    "unsubscribedviama unsubscribedviaemail unsubscribedviaapi excluded",
  soft_bounces:
    "softbounces softbounce softbounced soft transient transientbounce temporary temporaryunavailable mailboxfull " +
    "overquota",
  manual:
    "manual manually manuallyadded manualimport manualsuppression byhand custom adminblocked blocklist blocklisted " +
    "blacklist blacklisted denylist suppressed suppression compliance donotcontact donotmail donotemail dnc",
  block: "block blocks blocked dmarcpolicy spamnotification",
  mailable:
    "subscribed subscribe active confirmed enabled valid delivered sent opened clicked engaged pending notconfirmed " +
    "unconfirmed nonsubscribed notsubscribed unsuppressed resubscribed whitelisted allowlisted archived " +
    "suppresstracking",
  nothing:
    "transactional nontransactional recipient customer admin user system subscriber all email exact pattern domain api " +
    "import none null unknown other reject suppress undetermined",
};

const VERDICTS: ReadonlyMap<string, Verdict> = new Map(
  (Object.entries(WORDS) as [Verdict, string][]).flatMap(([verdict, words]) =>
    words.split(" ").map((word) => [word, verdict] as const),
  ),
);

/** The longest text that may be a word of the table. */
const LONGEST_WORD = 40;

/** What a text says as a word of the table; null if it is none. */
export function verdictOf(text: string): Verdict | null {
  if (text.length > LONGEST_WORD) return null;
  return VERDICTS.get(text.toLowerCase().replaceAll(/[^a-z]/g, "")) ?? null;
}

/** Whether a text is a word for a reason, for columns without a name. */
export function isReasonWord(text: string): boolean {
  const verdict = verdictOf(text);
  return verdict !== null && verdict !== "nothing" && !/\d/.test(text);
}
