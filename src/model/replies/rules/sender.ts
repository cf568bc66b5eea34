// Replies that refuse who sends: authentication, block lists, reputation, policies. They say nothing of the address,
// and beat a bare 550 and codes like 5.1.1 that they contradict.

import type { Rule } from "../rule.ts";

const IS_BAD = { class: "sender", reason: "reputation" } as const;
const IS_AGAINST_POLICY = { class: "sender", reason: "policy" } as const;

/** Authentication, block lists and reputation. */
export const SENDER_RULES: readonly Rule[] = [
  {
    ...IS_AGAINST_POLICY,
    name: "authentication",
    phrases: [
      "(spf|dkim|dmarc|senderid|domainkeys|adsp|bimi|unauthenticated|unauthenticatedemail|authrequired|sendernotauthenticated|sendernotauthenticatedforgroup)",
      "(authentication|auth|authenticated|authenticate) (required|failed|failure|information|checks|check|credentials|policy|needed|first|with|before|mechanism|not|results|error|is|must)",
      "(not|must|requires|require|need|needs|fails|lacks|without|failed|no) (pass |be |smtp |to |sender |mail |valid |)(authentication|authenticate|authenticated|auth)",
      "not (allowed|permitted|authorized|authorised|designated) (|to )(send|submit|use|mail)",
      "(not allowed|unauthorized|unauthorised) (|to )(send|sender|use|ip|host|server|mail from|from)",
      "(spoof|spoofed|spoofing|antispoofing|anti spoofing|forged|forgery|impersonation|impersonating)",
      "mi (spf|dmc)",
      "(pop before smtp|log in first|check for new mail before)",
    ],
    example: "550 5.7.26 The message fails DMARC",
    seen: "Gmail (5.7.26), Yahoo, Apple, Exchange Online (5.7.509), OVH",
  },
  {
    ...IS_BAD,
    name: "block list",
    phrases: [
      "(spamhaus|sorbs|spamcop|uceprotect|barracudacentral|abuseat|surriel|lashback|invaluement|mailspike|nixspam|spamrats|hostkarma|junkemailfilter|spfbl|abusix|senderbase|senderscore|backscatterer|truncate|gbudb|blagr|cobion|attrbl|njabl|ordb|dsbl|dnswl|tqmcube|ahbl|wpbl|swinog|psbl|cbl|xbl|sbl|pbl|zen|rbldns|blacklistmaster|fabelsources|ivmsip|dronebl|manitu|spameatingmonkey|inps|mcafee|wormrbl|sendersupport|spamexperts|nszones|bsb)",
      "csi (cloudmark|mimecast)",
      "mail abuse (com|org)",
      "(trend micro|ipcheck|delist|delisting|delistinginformation|unblock|unblocking|ipremoval|removal request)",
      "(blocked|rejected|denied) using",
      "(rtr|rly|hvu|dyn) (bl|b1|ge|ch|du|bd|b2|b3|t1)",
      "(bl000000|bl000001|bl000010|bl002|bl004|bl21|bl23|bl22)",
      "listed (at|in|by|on|with|as)",
      "(rejected|blocked) in list",
      "(ip|host|client|network|server|sender|address|domain) (|@ )(listed|found in|blacklisted)",
      "(s3140|s3150|s3113|s3114|s3115|s844)",
      "part of network",
      "network .. (our|block|black|blocked) list",
    ],
    example: "554 5.7.1 Client host [192.0.2.9] blocked using zen.spamhaus.org",
    seen: "Postfix and Exim with DNS lists, Outlook.com (S3140), Comcast, AT&T, Yahoo (BL21)",
  },
  {
    ...IS_BAD,
    name: "reputation",
    phrases: [
      "(reputation|reputations|badreputation|lowreputation)",
      "(tss01|tss02|tss03|tss04|tss05|tss07|tss09|tss11|ts01|ts02|ts03|ts04|rp000001|cs01|hm08)",
      "hl (rep|ihu|ipb|itc|hrc)",
      "(user|complaint|spam) (complaint|complaints|complained)",
      "(complaints|spamtrap|spamtraps|spam trap|honeypot|trap hit|dictionary attack|directory harvest|harvesting|suspected|suspicious|abusive|snowshoe|botnet|compromised|hijacked|zombie)",
      "bad (ip|host|server|sender|domain|neighborhood|neighbourhood|neighbor|neighbour)",
      "(for|of|known) abuse",
      "credibility",
      "(ip|sending ip|client) (host |address |@ |)(rejected|banned|denied|untrusted|not trusted|isnt trusted|distrusted|untrustworthy|quarantined|not allowed|not permitted)",
      "(problem occurred|problem occured) ask",
      "(poor|low|bad|negative|insufficient|unknown) (ip|sender|domain|sending|mail|score|senderscore)",
      "sending spam",
    ],
    example: "550 5.7.1 Your IP has a poor reputation",
    seen: "Gmail, Yahoo (TSS04), T-Online, Mimecast, Cisco Talos",
  },
  {
    ...IS_BAD,
    name: "banned sender",
    phrases: [
      "(ip|client|sender|network|range|isp|provider|host|server|domain) (|@ |address |temporarily |permanently )(blocked|banned)",
      "(ip|client|network|range|isp) (|@ |address )(temporarily |permanently |)rejected",
      "(blocked|banned) (sender|ip|host|client|server|using|from|see|at|until|domain|network|country|temporarily|permanently)",
      "(access|connection|connections|mail|messages|ip) from .. (blocked|banned|rejected|denied|refused|not)",
      "(connection|connections) (temporarily |permanently |)blocked",
      "access (to|from) .. (rejected|denied|blocked)",
      "access (submit|deliver|send|use) .. (rejected|denied|blocked)",
      "(connection|connections|mail|messages|traffic) (not|rejected) (|be |is )(accepted |allowed |welcome |)from",
      "(go away|open proxy|server isp|isps smtp|isp smtp|backscatter|batv|badmailfrom|senderfilterconfig|emetteur|non member)",
      "not (accepted|accept|accepting|welcome) (|mail |messages |connections |any mail )from",
      "(country|geo|geoip|geographic)",
      "permanently (deferred|blocked|rejected)",
      "attacks",
    ],
    example: "554 Connections from your network are refused",
    seen: "Exchange Online (5.7.606 to 5.7.649, 5.7.511), Comcast, Exim",
  },
  {
    ...IS_AGAINST_POLICY,
    name: "blacklisted by the receiver",
    phrases: [
      "(blacklist|black list|black listed|block list|blockedlist|deny list|denied list|reject list|blocked list|block listed)",
    ],
    example: "550 You are on the recipient's own blacklist",
    seen: "Exim, cPanel, hosting panels",
  },
];

/** Words that refuse, without saying what; they count before the codes, and after all that is plainer. */
export const LATE_SENDER_RULES: readonly Rule[] = [
  {
    ...IS_AGAINST_POLICY,
    name: "the recipient's wish",
    phrases: [
      "(rejected|refused|blocked|denied|declined) by (this |the |our |)(user|recipient|account holder|owner|administrator|admin|end user)",
      "user chosen not",
      "(not welcome|not accepted delivery|by filter)",
      "only accepted encrypted",
      "(recipient|user) (preferences|preference|wishes|settings|choice|request|policy)",
      "(mail|message|messages) (not wanted|unwanted|not welcome)",
      "(whitelist|allowlist|safelist|white list|whitelisted|allow list|safe list|challenge response|members only|notauthorized|not a member)",
      "(only|not) (accepts|accept|accepted|members|subscribers|allowed) .. (senders|from|members|internal|post)",
      "(restricted|internal only|internal use|delivery restrictions|permission|permissions|not have permission|insufficient privileges|privileges|closed list|moderated)",
    ],
    example: "550 The message was rejected by this user",
    seen: "Facebook, NetEase, Exchange (5.7.1 RESOLVER.RST.NotAuthorized), Mailman",
  },
  {
    ...IS_AGAINST_POLICY,
    name: "policy",
    phrases: [
      "(policy|policies|administrative|administratively|acl|rule|rules|ruleset|regulations|compliance|prohibition|restriction|restrictions)",
      "(security|local) (reasons|reason|concerns|measures|settings)",
      "(access|service|permission) (denied|refused|rejected|forbidden)",
      "(client|host) rejected",
      "(not accepted|rejected) for",
      "(unauthorized|unauthorised|not authorized|starttls|encryption required|must issue|tls required|requires tls|insecure)",
      "(mail|message) (not allowed|not permitted|prohibited)",
      "(quarantine|quarantined|firewall)",
    ],
    example: "550 Not accepted for policy reasons",
    seen: "Apple, Yahoo (5.7.9), GMX, Proofpoint, Mimecast",
  },
  {
    ...IS_BAD,
    name: "blocked",
    phrases: ["(blocked|banned)"],
    example: "550 permanent failure for one or more recipients (ann@example.com:blocked)",
    seen: "Barracuda, Proofpoint",
  },
];
