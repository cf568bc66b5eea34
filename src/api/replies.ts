// /v1/explain-reply: what a receiving server's words mean, and what an event with them becomes. It asks the same rules
// that read the events, so the answer to a customer and the stored event never differ.

import * as z from "zod";
import { EVENT_TYPES, REASONS } from "../model/event.ts";
import { LONGEST } from "../model/field-lengths.ts";
import { explainReply } from "../model/replies/explain.ts";
import { REPLY_CLASSES } from "../model/replies/rule.ts";
import { judge } from "../providers/kit/refusal.ts";
import { readSmtp } from "../providers/kit/smtp.ts";
import { json, needs, problems } from "./kit/responses.ts";
import { createRoute, router } from "./kit/routes.ts";

/** The route of /v1/explain-reply. */
export const replies = router();

const text = z
  .string("must be the server's reply")
  .trim()
  .min(1, "must be the server's reply, such as 550 5.1.1 User unknown")
  .max(LONGEST.words, `must not be longer than ${LONGEST.words} characters`)
  .meta({ examples: ["550 5.7.1 Client host blocked using zen.spamhaus.org"] });

const ReplyExplanation = z
  .object({
    class: z.enum(REPLY_CLASSES).describe("Whose matter the refusal is"),
    reason: z.enum(REASONS).nullable(),
    rule: z.string().nullable().describe("The rule that reads the reply; null if none does"),
    example: z.string().nullable().describe("Another reply that this rule reads"),
    seen: z.string().nullable().describe("Which servers send such replies"),
    sentence: z.string().describe("What it means, and what to do"),
    becomes: z
      .object({
        type: z.enum(EVENT_TYPES),
        bounce: z.enum(["hard", "soft"]).nullable(),
        reason: z.enum(REASONS).nullable(),
      })
      .describe(
        "The event's fields if the provider gives up with a 5xx reply, or tries again after a 4xx, and knows no more than the reply",
      ),
  })
  .meta({ id: "ReplyExplanation" });

const explaining = createRoute({
  ...needs("read", "serves"),
  method: "get",
  path: "/",
  tags: ["Messages"],
  summary: "What a receiving server's reply means",
  description:
    "Pass the reply as the server or the provider words it: an event's `description` or `smtp.response`.",
  request: { query: z.strictObject({ text }) },
  responses: { 200: json("The meaning", ReplyExplanation), ...problems(400) },
});

replies.openapi(explaining, async (c) => {
  const words = c.req.valid("query").text;
  const smtp = readSmtp(words);
  const { code = null, enhanced = null } = smtp ?? {};
  const isTemporary = String(code ?? enhanced ?? "").startsWith("4");
  const finding = {
    type: isTemporary ? "deferred" : "bounced",
    bounce: isTemporary ? null : "hard",
    reason: null,
  } as const;
  return c.json(
    { ...explainReply({ code, enhanced, text: words }), becomes: judge(finding, smtp, words) },
    200,
  );
});
