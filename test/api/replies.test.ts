// GET /v1/explain-reply says what a reply means in the words of the rules that read the events.

import { describe, expect, it } from "vitest";
import { explainReply } from "../../src/model/replies/explain.ts";
import { REPLY_CLASSES } from "../../src/model/replies/rule.ts";
import { read } from "../support/support.ts";

const explain = async (text: string): Promise<unknown> => {
  const response = await read(`/v1/explain-reply?${new URLSearchParams({ text }).toString()}`);
  expect(response.status).toBe(200);
  return await response.json();
};

describe("the explanation of a reply", () => {
  it("names the rule, what to do, and what an event with the reply becomes", async () => {
    const body = await explain(
      "554 5.7.1 Your relay 192.0.2.9 was found on zen.spamhaus.org and is turned away",
    );
    expect(body).toEqual({
      class: "sender",
      reason: "reputation",
      rule: "block list",
      example: expect.stringContaining("spamhaus"),
      seen: expect.stringContaining("Postfix"),
      sentence: expect.stringContaining("block list"),
      becomes: { type: "blocked", bounce: null, reason: "reputation" },
    });
  });

  it.each([
    ["550 5.1.1 No such user", { type: "bounced", bounce: "hard", reason: "invalid" }],
    ["552 5.2.2 Mailbox full", { type: "bounced", bounce: "soft", reason: "mailbox_full" }],
    ["452 4.2.2 Mailbox full", { type: "deferred", bounce: null, reason: "mailbox_full" }],
    ["4.4.1 No answer", { type: "deferred", bounce: null, reason: "technical" }],
    ["550 Rejected", { type: "bounced", bounce: "soft", reason: "other" }],
    ["User unknown", { type: "bounced", bounce: "hard", reason: "invalid" }],
  ])("says what becomes of %s", async (text, becomes) => {
    expect(await explain(text)).toMatchObject({ becomes });
  });

  it("says so if no rule reads the reply", async () => {
    const body = await explain("554 Sorry");
    expect(body).toMatchObject({ class: "unknown", reason: null, rule: null, example: null, seen: null });
  });

  it.each([
    ["?text=", "such as 550 5.1.1 User unknown"],
    ["?text=%20", "such as 550 5.1.1 User unknown"],
    ["", "must be the server's reply"],
    [`?text=${"x".repeat(1_025)}`, "is 1025 characters long; at most 1024"],
  ])("asks for a reply of a sensible length: %#", async (query, reason) => {
    const response = await read(`/v1/explain-reply${query}`);
    expect(response.status).toBe(400);
    const errors = [{ parameter: "text", reason: expect.stringContaining(reason) }];
    expect(await response.json()).toMatchObject({ errors });
    expect(response.headers.get("content-type")).toBe("application/problem+json");
  });

  it("has a sentence of its own for every class", () => {
    const replies = [
      "550 User unknown",
      "552 Mailbox full",
      "550 Access denied",
      "554 Spam",
      "421 Slow down",
      "421 Timeout",
      "550",
    ];
    const explanations = replies.map((text) => explainReply({ code: null, enhanced: null, text }));
    expect(explanations.map((one) => one.class)).toEqual(REPLY_CLASSES);
    expect(new Set(explanations.map(({ sentence }) => sentence)).size).toBe(REPLY_CLASSES.length);
  });
});
