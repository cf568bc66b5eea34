// Replies that refuse what was sent: its size, its form, or what a filter makes of it.

import type { Rule } from "../rule.ts";

const IS = { class: "content", reason: "content" } as const;

/** Lists of links, which resemble lists of senders. */
export const LINK_RULES: readonly Rule[] = [
  {
    ...IS,
    name: "listed link",
    phrases: [
      "(blacklisted|blocked|bad|forbidden|suspicious|malicious|listed) (url|urls|uri|uris|link|links)",
      "(url|urls|uri|uris|link|links) .. (blacklisted|blocked|listed)",
      "(uribl|surbl|dbl)",
    ],
    example: "550 5.7.1 A blacklisted link was found in the message",
    seen: "SpamAssassin (URIBL, SURBL), Spamhaus DBL",
  },
];

/** Addresses in the mail's headers, which resemble the recipient's. */
export const HEADER_RULES: readonly Rule[] = [
  {
    ...IS,
    name: "address in a header",
    phrases: [
      "(invalid|bad|malformed|illegal|unknown) user in .. (header|headers|field|mail)",
      "(header|headers) (user|.. bad user|.. invalid user|.. malformed user|.. unknown user|.. illegal user)",
    ],
    example: "550 5.6.0 A bad address in the header To",
    seen: "Exim, Exchange, SES",
  },
];

/** Size, spam, viruses and malformed mails. */
export const CONTENT_RULES: readonly Rule[] = [
  {
    ...IS,
    name: "too large",
    phrases: [
      "(mail|message|data|attachment|attachments|header|headers|content|size|body|line|file) (size |length |)(too (large|big|long)|exceeded)",
      "(size|length) (exceeded|limit|limits|limitation|restriction|restrictions|of message|over|larger|greater|violates|not allowed)",
      "(maximum|fixed|maximal|allowed|permitted) (mail |message |allowed |fixed |permitted )(size|length)",
      "(maximum|max) size",
      "exceeded .. (size|length)",
      "(too large|too big|size limit|oversize|oversized|recipsizelimit|sendersizelimit|larger than|bigger than)",
      "(over|above) .. size",
      "(large|big) (mail|attachment)",
    ],
    example: "552 5.3.4 The message is too large",
    seen: "RFC 1870, Postfix, Exchange (RESOLVER.RST.RecipSizeLimit), Gmail",
  },
  {
    ...IS,
    name: "virus",
    phrases: [
      "(virus|viruses|malware|trojan|worm|infected|phishing|phish|ransomware|malicious|eicar|clamav|exploit|heuristics)",
      "(potential|potentially) (security|dangerous|harmful|unsafe|threat|malicious)",
      "(prohibited|banned|blocked|dangerous|forbidden|disallowed|illegal|suspicious|executable|unsafe) (attachment|attachments|file|files|content|extension|mime|name|type|filename)",
      "(attachment|attachments|file type|file|executable|extension|filename) (not |type |)(allowed|accepted|rejected|blocked|banned)",
      "content (presents|contains|includes|violates)",
    ],
    example: "554 5.7.0 A virus was found in the message",
    seen: "Gmail (5.7.0), ClamAV milters, Mimecast, amavis",
  },
  {
    ...IS,
    name: "spam",
    phrases: [
      "(spam|spammy|ube|uce|unsolicited|junk|spamassassin|spamscore|spamcontent|junkmail|junkemail|scam|fraud|fraudulent|mcspamsignature|rspamd|bayes|spambouncer|spammer|spammers|unwanted|spamming|spams|antispam|spamlike)",
      "(bulk mail|bulk|mass mail|mass mailing|chain letter|advertisement|advertising)",
      "dt (spm|sum|spb)",
    ],
    example: "554 5.7.1 This message looks like spam",
    seen: "SpamAssassin, rspamd, Gmail, Proofpoint, NetEase (DT:SPM)",
  },
  {
    ...IS,
    name: "content refused",
    phrases: [
      "(content|body|subject|attachment|text|url|link|links|html|keyword|signature|header|headers) (in message |)(rejected|blocked|not accepted|not allowed|violation|filtered|blacklisted|filter|filtering|matched|detected)",
      "(content|body|subject|header|headers) mail (rejected|blocked|not accepted|not allowed|filtered)",
      "(rejected|blocked|filtered|denied|refused|discarded) by content",
      "(content|body|header|keyword|subject|signature) (scan|scanner|based|analysis|check|checks|policy|restrictions)",
      "(blocked|bad|forbidden|suspicious|unacceptable|objectionable|inappropriate|offensive|questionable) (content|subject|words)",
      "(does not|doesnt|fails to) meet .. requirements",
      "(mail|message) (looks|appears|seems|considered|classified|identified|detected|scored|matched|contains|has been filtered|filtered|identified as|filter)",
      "mail content",
    ],
    example: "550 5.7.1 Rejected by content filter",
    seen: "amavis, Exchange, Barracuda, QQ",
  },
  {
    ...IS,
    name: "malformed mail",
    phrases: [
      "(header|headers) (missing|invalid|malformed|error|syntax|duplicate|incorrect|not|field|fields|too)",
      "(missing|invalid|malformed|duplicate|bad|multiple|no|incorrect|several|empty|faulty|broken|improper|incomplete) (from|date|header|headers|message id|messageid|mime|subject|content type|to header|sender header|rfc|reply to)",
      "(multiple|several|many) (addresses|from|senders) (in from|in header|header|from)",
      "mail with multiple",
      "(not|non|fails|violates) (rfc|compliant|rfc compliant|conform|comply)",
      "rfc .. (compliant|compliance|violation|violates|conformant|format|standards)",
      "(not compliant|not conform|noncompliant|non compliant|bare lf|bare cr|bare newline|bare linefeed|bare line feed|stray cr|line too long|lines too long|lone cr|smtputf8|8bit|8bitmime|nul characters|null characters|non ascii|nonascii|control characters|charset|character set|mime|malformed|message format|unsupported encoding)",
      "(mail|message) (format|not conform|not comply|does not meet|syntax|malformed|structure)",
      "multiple addresses",
    ],
    example: "550 5.7.1 The message has no valid headers: missing From",
    seen: "Gmail (5.7.1 multiple addresses in From), Exim, Postfix, Yahoo",
  },
];
