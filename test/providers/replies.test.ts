// The contract of replies: whatever provider passes a reply on, and in whatever shape, its class decides what the event
// is. The shapes are those of the demo's dialects, which report a permanent bounce with the provider's own words for it.

import { describe, expect, it } from "vitest";
import { DIALECTS } from "../../src/demo/traffic/dialects/index.ts";
import { randomFrom } from "../../src/demo/traffic/random.ts";
import { replyTo } from "../../src/demo/traffic/replies.ts";
import type { Dialect, Report, SignedRequest } from "../../src/demo/traffic/types.ts";
import { readReply, type ReplyClass } from "../../src/model/replies/read-reply.ts";
import { DEAD } from "../model/replies/said/address.ts";
import { FULL, PASSING, RATE } from "../model/replies/said/passing.ts";
import { CONTENT, SENDER } from "../model/replies/said/sender.ts";
import { eventOf } from "../support/dialect-event.ts";

/** What the demo's servers say, and what is put in its place. */
const SAID = "550 5.1.1 No such user";

/** The classes, what they say, and what a permanent bounce with such a reply is. */
const CLASSES = [
  ["address", DEAD, "bounced hard"],
  ["mailbox", FULL, "bounced soft"],
  ["sender", SENDER, "blocked"],
  ["content", CONTENT, "blocked"],
  ["rate", RATE, "blocked"],
  ["passing", PASSING, "bounced soft"],
] as const;

/** Replies that need no escapes in JSON, with the codes that the dialects pass on separately. */
const REPLIES = CLASSES.flatMap(([kind, texts, becomes]) =>
  texts
    .map((text) => text.replace(/^\d{3} /, "550 ").replace(/^550 4\./, "550 5."))
    .map((text) => (text.startsWith("550 5.") ? text : text.replace(/^550 /, "550 5.0.0 ")))
    .filter((text) => /^550 5\.\d+\.\d+ [\w .,-]+$/.test(text) && classOf(text) === kind)
    .map((text) => ({ kind, text, becomes: isMailboxsRate(text) ? "bounced soft" : becomes })),
);

function classOf(text: string): ReplyClass {
  return readReply({ code: 550, enhanced: null, text }).class;
}

/** Whether too much comes to one mailbox, from everybody together: that is nothing against the sender. */
function isMailboxsRate(text: string): boolean {
  return readReply({ code: 550, enhanced: null, text }).rule === "the mailbox's own rate";
}

/** A permanent bounce with the reply {@link SAID}. */
function bounceOf(dialect: Dialect): SignedRequest {
  const mail = {
    contact: "ann@example.com",
    id: dialect.makeId(randomFrom(1), null),
    campaign: "welcome",
    customId: "order-1",
    sentAt: 1.789e12,
  };
  const report: Report = {
    mail,
    what: "hard_bounce",
    at: 1.79e12,
    url: "https://shop.example.com/",
    ip: "198.51.100.7",
    agent: "Mozilla/5.0",
    expected: "bounced",
    campaign: null,
  };
  while (replyTo(report) !== SAID) report.at += 1_000;
  return dialect.compose([report], randomFrom(1));
}

/** The request with another reply in the place of {@link SAID}, and with its enhanced code. */
function withReply(request: SignedRequest, text: string): SignedRequest {
  const inForm = (words: string): string => new URLSearchParams({ "": words }).toString().slice(1);
  const put = (into: string): string =>
    into
      .replaceAll(inForm(SAID.slice(4)), inForm(text.slice(4)))
      .replaceAll(SAID.slice(4), text.slice(4))
      .replaceAll('"5.1.1"', `"${text.split(" ")[1]}"`);
  return { ...request, path: put(request.path), body: request.body === null ? null : put(request.body) };
}

function meaningOf(dialect: Dialect, request: SignedRequest): string {
  const { type, bounce } = eventOf(dialect, request) ?? {};
  return [type, bounce].filter((part) => part !== null && part !== undefined).join(" ");
}

/** Dialects that pass no reply on. */
const SILENT: ReadonlySet<string> = new Set(["elasticemail"]);

const TELLING = DIALECTS.filter(({ source }) => !SILENT.has(source));

describe("the same reply", () => {
  it("is tried in every class", () => {
    expect(new Set(REPLIES.map(({ kind }) => kind))).toEqual(new Set(CLASSES.map(([kind]) => kind)));
  });

  it.each(TELLING.map((dialect) => [dialect.source, dialect] as const))(
    "means the same at %s as everywhere",
    (_, dialect) => {
      const bounce = bounceOf(dialect);
      const other = REPLIES.filter(
        ({ becomes, text }) => meaningOf(dialect, withReply(bounce, text)) !== becomes,
      );
      expect(other).toEqual([]);
    },
  );
});
