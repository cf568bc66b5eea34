// What the columns of a list mean: a table of the names that providers, newsletter tools and people give them. The name
// is compared by its letters and digits alone, so "E-Mail", "email" and "EMAIL" are one.
//
// The names were seen in: SendGrid (email, created, reason, status, ip), Mailgun (address, code, error, created_at, tags),
// Postmark (EmailAddress, SuppressionReason, Origin, CreatedAt), Amazon SES (EmailAddress, Reason, LastUpdateTime), Mailchimp
// (Email Address, CLEAN_TIME, UNSUB_TIME, UNSUB_REASON), Mandrill (email, reason, detail, created_at, expires_at), Brevo (email,
// blockedAt, emailBlacklisted), Mailjet (Email, IsExcludedFromCampaigns), SparkPost (recipient, source, description), Resend
// (email, origin, created_at), MailerSend (recipient.email, readable_reason), Mailtrap (type), Elastic Email
// (FriendlyErrorMessage, DateUpdated), Scaleway (type, ends_at), Unisender (cause), ZeptoMail (value, modified_time).

import type { SuppressionReason } from "../../../model/suppression/policy.ts";

/** What a column may say about a row. */
export type Role =
  | "address"
  | "reason"
  | "flag"
  | "reply"
  | "since"
  | "note"
  | "scope"
  | "expires_at"
  | "held"
  | "lifted_at";

/** A column's name by its letters and digits alone, in lower case. */
export function plainName(name: string): string {
  return name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, "");
}

const ADDRESS =
  "address contact email emailaddress mail mailaddress recipient recipientemail recipientaddress " +
  "emailrecipient contactemail subscriber subscriberemail useremail customeremail memberemail emailid value pattern " +
  "adresse emailadresse mailadresse adressemail adresseemail courriel correo correoelectronico indirizzoemail";

/**
 * Columns that may hold the kind of suppression as a word. In the first group a word that nobody knows is a mistake to
 * tell; in the second it is something else.
 */
const STRONG =
  "suppressionreason reason suppressiontype bouncetype cause type status kind subscriptionstatus";
const WEAK =
  "category classification origin event source action list listtype state verdict code errorcode " +
  "bouncecategory suppressed";

/** Columns that are true or false, and what they say if they are true. A time in such a column means true. */
export const FLAGS: ReadonlyMap<string, SuppressionReason> = new Map([
  ["spamcomplaint", "complaint"],
  ["isspamcomplaining", "complaint"],
  ["complained", "complaint"],
  ["unsubscribed", "unsubscribed"],
  ["isunsubscribed", "unsubscribed"],
  ["unsubscribebylink", "unsubscribed"],
  ["unsubscribebyuser", "unsubscribed"],
  ["unsubscribeall", "unsubscribed"],
  ["optout", "unsubscribed"],
  ["optedout", "unsubscribed"],
  ["emailoptout", "unsubscribed"],
  ["isexcludedfromcampaigns", "unsubscribed"],
  ["excluded", "unsubscribed"],
  ["emailblacklisted", "unsubscribed"],
  ["emailblocklisted", "unsubscribed"],
  ["blacklisted", "manual"],
  ["blocklisted", "manual"],
  ["donotcontact", "manual"],
  ["donotemail", "manual"],
  ["hardbounced", "hard_bounce"],
  ["bounced", "hard_bounce"],
]);

/** Times of the suppression itself, the surest first, and what their name says about its kind. */
export const TIMES_OF: ReadonlyMap<string, SuppressionReason | null> = new Map([
  ["since", null],
  ["cleantime", "hard_bounce"],
  ["unsubtime", "unsubscribed"],
  ["unsubscribedat", "unsubscribed"],
  ["unsubscribedate", "unsubscribed"],
  ["unsubscribetime", "unsubscribed"],
  ["optoutdate", "unsubscribed"],
  ["optouttime", "unsubscribed"],
  ["exclusionfromcampaignsupdatedat", null],
  ["complainedat", "complaint"],
  ["bouncedat", "hard_bounce"],
  ["bouncedate", "hard_bounce"],
  ["bouncetime", "hard_bounce"],
  ["blockedat", null],
  ["suppressedat", null],
]);
/** Times of the row, when a list of suppressions is meant. */
const TIMES =
  "lastupdatetime createdat created createddate datecreated creationdate timecreated date datetime time timestamp " +
  "eventtime eventdate occurredat addedat added dateadded datum fecha";
/** Times of the last change. A list of contacts has them, and there a creation is the contact's. */
const CHANGES =
  "lasteventat dateupdated updatedat updated modifiedat modifiedtime lastmodified lastchanged datemodified";

const NOTES = "note notes comment comments unsubreason unsubscribereason readablereason";
const REPLIES =
  "error errormessage errorreason bouncereason bouncemessage description detail details message response diagnosticcode " +
  "smtpresponse smtpcode smtpreply enhancedcode enhancedstatus friendlyerrormessage";

const words = (text: string): readonly string[] => text.split(" ");

/** The columns of each kind, those that count first in front. */
export const NAMES = {
  address: words(ADDRESS),
  strong: words(STRONG),
  weak: words(WEAK),
  notes: words(NOTES),
  replies: words(REPLIES),
  /** In a list of suppressions. */
  times: [...TIMES_OF.keys(), ...words(TIMES), ...words(CHANGES)],
  /** In a list of contacts, where a creation is the contact's: only those of a flag; any, if nothing else is there. */
  changes: [...TIMES_OF.keys(), ...words(CHANGES)],
  changesFirst: [...TIMES_OF.keys(), ...words(CHANGES), ...words(TIMES)],
  scope: ["scope"],
  ends: ["expiresat", "endsat", "expires", "expiry", "expirydate"],
} as const;

const ROLES: ReadonlyMap<string, Role> = new Map([
  ...[...words(WEAK), ...words(STRONG), "inactive", "tags", "expired"].map(
    (name) => [name, "reason"] as const,
  ),
  ...words(REPLIES).map((name) => [name, "reply"] as const),
  ...words(NOTES).map((name) => [name, "note"] as const),
  ...NAMES.times.map((name) => [name, "since"] as const),
  ...NAMES.ends.map((name) => [name, "expires_at"] as const),
  ...[...FLAGS.keys()].map((name) => [name, "flag"] as const),
  ...words(ADDRESS).map((name) => [name, "address"] as const),
  ["scope", "scope"],
  ["held", "held"],
  ["liftedat", "lifted_at"],
]);

/** What the column is read as; null if it is passed over. `name`: a {@link plainName}. */
export function roleOf(name: string): Role | null {
  return ROLES.get(name) ?? null;
}

/** Names by which people know the columns, for messages. */
export const EXAMPLES = "address, email, recipient, contact, Email Address or EmailAddress";
