// What the demo's receiving servers say when they refuse a mail: replies of every class, worded as real servers word
// them. The same report always gets the same reply, however often it is delivered.

import { hexOf } from "./requests.ts";
import type { Happening, Report } from "./types.ts";

/** The happenings that come with a server's reply. */
export type Refusal = Extract<Happening, "hard_bounce" | "soft_bounce" | "blocked">;

const REPLIES: Readonly<Record<Refusal, readonly string[]>> = {
  // Dead addresses.
  hard_bounce: [
    "550 5.1.1 No such user",
    "550 5.1.1 <recipient>: Recipient address rejected: User unknown in virtual mailbox table",
    "550 5.1.1 <recipient>: this account does not exist here; check the spelling of the address",
    "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
    "550 5.1.1 Requested action not taken: mailbox unavailable",
    "550 5.2.1 This account has been disabled or discontinued",
    "550 5.1.1 Empfänger unbekannt",
  ],
  // Full mailboxes and a moment's trouble.
  soft_bounce: [
    "452 4.2.2 Mailbox full",
    "452 4.2.2 The account is over its quota. Ask its owner to make room, then send again",
    "450 4.2.0 Greylisted, please try again in five minutes",
    "452 4.3.1 Insufficient system storage",
    "421 4.4.1 Connection timed out",
    "452 4.2.2 La boîte aux lettres du destinataire est pleine",
  ],
  // The sender, the content, the rate.
  blocked: [
    "554 5.7.1 Message refused as spam",
    "554 5.7.1 Refused: your server [192.0.2.25] is on a block list, see https://check.spamhaus.org/",
    "550 5.7.26 This mail is unauthenticated: neither SPF nor DKIM passed",
    "550 5.7.606 Access denied, banned sending IP [192.0.2.25]",
    "554 5.7.1 Too many recipients at once, slow down",
    "550 5.7.1 This user refuses mail from you",
    "552 5.7.0 A potentially dangerous attachment was blocked",
  ],
};

/** Whether a server's reply comes with it. */
export const isRefusal = (what: Happening): what is Refusal => Object.hasOwn(REPLIES, what);

/** The reply that refuses the mail of this report; "" if nobody refused it. */
export function replyTo(report: Report): string {
  const { what } = report;
  if (!isRefusal(what)) return "";
  const replies = REPLIES[what];
  return replies[parseInt(hexOf(report, 8, "reply"), 16) % replies.length] ?? "";
}

/** The enhanced code of a reply, for the ESPs that pass it on separately. */
export function enhancedOf(reply: string): string {
  return /\d\.\d+\.\d+/.exec(reply)?.[0] ?? "";
}
