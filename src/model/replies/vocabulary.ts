// The words of replies that mean the same here. Servers say "the e-mail account does not exist", "user not found" and
// "unknown mailbox" for one thing, so the rules speak of one word for each and stay few.

/** Words that change nothing. */
const EMPTY =
  "a an the this that which is was are were be been being am has have had do does did will would can could may might " +
  "should to of you our ours we us i my me it its their there e please sorry currently also just";

/** The word that stands for others -> those others. */
const SAME: Readonly<Record<string, string>> = {
  who:
    "user users username usernames recipient recipients receiver receivers mailbox mailboxes mailaddress address " +
    "addresses addy account accounts addressee customer customers person inbox box rcpt alias subscriber " +
    "maildrop receipient recepient reciepient recipent mailuser emailaddress adress addressees useraccount",
  mail: "mail mails email emails message messages messsage msg messagge",
  not: "not cannot cant dont doesnt didnt isnt wasnt arent wont hasnt couldnt wouldnt",
  exist: "exist exists existing existent existant found located known recognized recognised registered",
  unknown: "unknown unkown unknow uknown unknonw nonexistent nonexistant inexistent undefined unrecognized",
  rejected:
    "rejected reject rejects rejecting rejection refused refuse refuses refusing denied deny denies declined declines " +
    "disallowed prohibited forbidden prohibits disallows",
  blocked: "blocked block blocks blocking banned barred",
  blacklist:
    "blacklist blacklists blacklisted blacklisting blocklist blocklists blocklisted denylist denylisted rbl rbls dnsbl dnsbls rhsbl drbl",
  allowed: "allowed allow allows permitted permit authorized authorised authorization",
  accepted: "accepted accept accepts accepting acceptable",
  disabled: "disabled deactivated disactivated inactivated deactive",
  suspended: "suspended suspend suspension",
  unavailable: "unavailable unavaiable unavailible unavailabe",
  temporarily: "temporarily temporarly temporary temporally temporaly transient",
  exceeded: "exceeded exceeds exceed exceeding exceedes exceds",
  sender: "sender senders originator mailfrom submitter",
  ip: "ip ips ipv4 ipv6 ipaddress",
  host: "host hosts hostname hostnames",
  domain: "domain domains",
  connections: "connections connection sessions session",
  many: "many much",
};

/** What a server calls the sender's if it says "your" before it; "your recipient" is still the recipient. */
export const YOURS: ReadonlySet<string> = new Set(
  "account address user username mailbox emailaddress".split(" "),
);

/** Words after which an address is no recipient's: "IP address", "sender address", "client address". */
export const OWNERS: ReadonlySet<string> = new Set(
  "ip sender client host source sending originating from connecting peer reverse".split(" "),
);

const MEANINGS: ReadonlyMap<string, string> = new Map([
  ...EMPTY.split(" ").map((word) => [word, ""] as const),
  ...Object.entries(SAME).flatMap(([word, same]) => same.split(" ").map((other) => [other, word] as const)),
]);

/** The word that stands for this one; "" if it changes nothing. */
export const meaningOf = (word: string): string => MEANINGS.get(word) ?? word;
