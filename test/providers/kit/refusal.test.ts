// What a mail that did not arrive means, by the provider's finding and the server's reply.

import { describe, expect, it } from "vitest";
import type { EventType, Smtp } from "../../../src/model/event.ts";
import { judge, type Finding } from "../../../src/providers/kit/refusal.ts";
import { isSenders, readSmtp, reasonOfWords, smtpOf } from "../../../src/providers/kit/smtp.ts";

const HARD: Finding = { type: "bounced", bounce: "hard", reason: null };
const SOFT: Finding = { type: "bounced", bounce: "soft", reason: null };
const UNSURE: Finding = { type: "bounced", bounce: null, reason: null };
const BLOCKED: Finding = { type: "blocked", bounce: null, reason: null };
const FAILED: Finding = { type: "failed", bounce: null, reason: "technical" };
const DEFERRED: Finding = { type: "deferred", bounce: null, reason: "other" };
const EVIDENCE: Finding = { type: "bounced", bounce: "hard", reason: "invalid", isEvidence: true };

const outcome = (finding: Finding, words: string | null): string => {
  const { type, bounce, reason } = judge(finding, words === null ? null : readSmtp(words));
  return [type, bounce, reason].filter((part) => part !== null).join(" ");
};

describe("a mail that did not arrive", () => {
  it.each([
    ["550 5.1.1 User unknown", "bounced hard invalid"],
    ["552 5.2.2 Mailbox full", "bounced soft mailbox_full"],
    ["550 5.7.1 Blocked by policy", "blocked policy"],
    ["552 5.3.4 This mail is too big", "blocked content"],
    ["550 5.2.121 Too many messages", "blocked reputation"],
  ])("means by its reply the same whatever the provider calls it: %s", (words, meaning) => {
    for (const finding of [HARD, SOFT, UNSURE, BLOCKED, FAILED, EVIDENCE])
      expect(outcome(finding, words)).toBe(meaning);
  });

  it("was given up for a moment's trouble, unless the provider says who was refused", () => {
    for (const finding of [HARD, SOFT, UNSURE, FAILED, EVIDENCE])
      expect(outcome(finding, "550 4.4.7 Message expired")).toBe("bounced soft timed_out");
    expect(outcome(BLOCKED, "450 4.4.1 No connection")).toBe("blocked technical");
  });

  it("keeps the provider's class if the reply says nothing and the class does not come from it", () => {
    expect(outcome(EVIDENCE, "550 Rejected")).toBe("bounced hard invalid");
    expect(outcome(HARD, null)).toBe("bounced hard");
    expect(outcome(HARD, "no code here")).toBe("bounced hard");
    expect(outcome(SOFT, "550 Rejected")).toBe("bounced soft");
    expect(outcome(UNSURE, "550 Rejected")).toBe("bounced");
    expect(outcome(BLOCKED, "550 Rejected")).toBe("blocked");
    expect(outcome(FAILED, "550 Rejected")).toBe("failed technical");
  });

  it("is no hard bounce by a bare reply code that the provider repeats", () => {
    expect(outcome(HARD, "550 Rejected")).toBe("bounced soft other");
    expect(outcome(HARD, "450 Rejected")).toBe("bounced soft other");
    expect(outcome({ ...HARD, reason: "invalid" }, "550 Rejected")).toBe("bounced soft other");
    expect(outcome({ ...HARD, reason: "inactive" }, "550 Rejected")).toBe("bounced soft other");
    expect(outcome({ ...HARD, reason: "technical" }, "550 Rejected")).toBe("bounced soft technical");
  });

  it("is no hard bounce by a temporary reply, unless the provider found out itself", () => {
    expect(outcome(HARD, "450 4.1.1 User unknown")).toBe("bounced soft invalid");
    expect(outcome(BLOCKED, "4.1.1 User unknown")).toBe("bounced soft invalid");
    expect(outcome(EVIDENCE, "450 4.1.1 User unknown")).toBe("bounced hard invalid");
  });

  it("is judged by words without a code only within the provider's class", () => {
    const enhanced: Smtp = { code: null, enhanced: null, response: null };
    for (const finding of [HARD, SOFT, BLOCKED, FAILED])
      expect(judge(finding, enhanced)).toEqual({ ...finding, isEvidence: undefined });
  });

  it("gets the reading's reason if it is deferred, and stays deferred", () => {
    expect(outcome(DEFERRED, "450 4.1.1 User unknown")).toBe("deferred invalid");
    expect(outcome(DEFERRED, "450 Later")).toBe("deferred other");
  });

  it("keeps its meaning if no server was asked", () => {
    const untried: readonly EventType[] = ["dropped", "delivered", "complained", "unknown"];
    for (const type of untried) {
      const finding: Finding = { type, bounce: null, reason: "suppressed" };
      expect(judge(finding, readSmtp("550 5.1.1 User unknown"))).toEqual(finding);
    }
  });
});

describe("a reply in a provider's fields", () => {
  it.each([
    [{ code: 550, status: "5.1.1", words: "User unknown" }, [550, "5.1.1", "User unknown"]],
    [{ status: "550", words: "User unknown" }, [550, null, "User unknown"]],
    [{ code: "5.2.2" }, [null, "5.2.2", null]],
    [{ words: "550 5.1.1. User unknown" }, [550, "5.1.1", "550 5.1.1. User unknown"]],
    [{ code: 0, status: "", words: "421 4.7.0 Later" }, [421, "4.7.0", "421 4.7.0 Later"]],
    [{ code: 605, status: "5.1", words: null }, null],
    [{ words: "User unknown" }, null],
  ])("is read from %j", (fields, parts) => {
    const smtp = parts === null ? null : { code: parts[0], enhanced: parts[1], response: parts[2] };
    expect(smtpOf(fields)).toEqual(smtp);
  });
});

describe("the reason in words alone", () => {
  it("is the reading's, and other if the words say nothing", () => {
    expect(reasonOfWords("bounced", "550 5.1.1 sorry")).toBe("invalid");
    expect(reasonOfWords("deferred", "The mailbox is full")).toBe("mailbox_full");
    expect(reasonOfWords("failed", "something happened")).toBe("other");
    expect(reasonOfWords("delivered", "550 5.1.1 sorry")).toBeNull();
    expect(reasonOfWords("bounced", null)).toBeNull();
  });

  it("is the sender's matter for reputation, content and policy", () => {
    const reasons = ["reputation", "content", "policy", "invalid", "other", null] as const;
    expect(reasons.map(isSenders)).toEqual([true, true, true, false, false, false]);
  });
});
