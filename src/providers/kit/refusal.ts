// Decides what a mail that did not arrive means: from what the provider found, and from what the receiving server said.
// All providers decide here, so that the same reply has the same consequence whoever passes it on.

import type { EventType, Reason, Smtp } from "../../model/event.ts";
import { readReply, type ReplyReading } from "../../model/replies/read-reply.ts";

/** What the provider itself says of a mail that did not arrive. */
export interface Finding {
  type: EventType;
  bounce: "hard" | "soft" | null;
  reason: Reason | null;
  /**
   * The provider found out itself that the address is dead (Postmark HardBounce, SES NoEmail, SendGrid "Invalid
   * Address"). Left out: its class only repeats the reply's code.
   */
  isEvidence?: boolean;
}

/** What became of the mail. */
export interface Judgement {
  type: EventType;
  bounce: "hard" | "soft" | null;
  reason: Reason | null;
}

/** Types that a reply may correct. A `dropped` mail was never tried, so no server said anything about it. */
const TRIED: ReadonlySet<EventType> = new Set(["bounced", "blocked", "failed"]);

/**
 * Type, bounce and reason, by the provider's finding and by the receiving server's reply. `words`: what stands where a
 * reply would stand, if `smtp` has no text.
 */
export function judge(finding: Finding, smtp: Smtp | null, words: string | null = null): Judgement {
  const { type, bounce, reason } = finding;
  if (type !== "deferred" && !TRIED.has(type)) return { type, bounce, reason };
  const { code = null, enhanced = null, response = null } = smtp ?? {};
  const reading = readReply({ code, enhanced, text: response ?? words });
  if (type === "deferred") return { type, bounce: null, reason: reading.reason ?? reason };
  return byReading(finding, reading, severityOf(smtp));
}

/** Whether the server's refusal is for good; null if no code says so. */
function severityOf(smtp: Smtp | null): "permanent" | "temporary" | null {
  const digit = String(smtp?.code ?? smtp?.enhanced ?? "")[0];
  if (digit === "5") return "permanent";
  return digit === "4" ? "temporary" : null;
}

function byReading(
  finding: Finding,
  reading: ReplyReading,
  severity: "permanent" | "temporary" | null,
): Judgement {
  const { type, bounce } = finding;
  const reason = reading.reason ?? finding.reason;
  // What the provider calls a block or a failure of its own stays one, unless a server answered.
  if (type !== "bounced" && severity === null) return { type, bounce, reason };
  switch (reading.class) {
    case "address":
      return deadAddress(finding, reason, severity);
    case "passing":
      if (type === "blocked") return { type, bounce, reason };
      return { type: "bounced", bounce: "soft", reason };
    case "mailbox":
      return { type: "bounced", bounce: "soft", reason };
    case "rate":
      // What comes too fast for one mailbox may come from others, so it blocks nobody.
      if (reading.reason === "other") return { type: "bounced", bounce: "soft", reason };
      return { type: "blocked", bounce: null, reason };
    case "sender":
    case "content":
      return { type: "blocked", bounce: null, reason };
    case "unknown":
      return type === "bounced" ? undecided(finding, severity) : { type, bounce, reason };
  }
}

/** The reply says that nobody can be reached there. A temporary reply says so without being sure. */
function deadAddress(
  finding: Finding,
  reason: Reason | null,
  severity: "permanent" | "temporary" | null,
): Judgement {
  const { type, bounce, isEvidence = false } = finding;
  if (severity === "permanent" || isEvidence) return { type: "bounced", bounce: "hard", reason };
  if (severity === "temporary") return { type: "bounced", bounce: "soft", reason };
  return { type, bounce: bounce ?? "hard", reason };
}

/** The reply says nothing. A bare "550" is not enough to give an address up if the provider only repeats it. */
function undecided(finding: Finding, severity: "permanent" | "temporary" | null): Judgement {
  const { type, bounce, reason, isEvidence = false } = finding;
  if (bounce !== "hard" || isEvidence || severity === null) return { type, bounce, reason };
  const isAboutAddress = reason === null || reason === "invalid" || reason === "inactive";
  return { type, bounce: "soft", reason: isAboutAddress ? "other" : reason };
}
