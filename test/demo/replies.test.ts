// The demo's traffic carries replies of every class, and each becomes the event that the demo expects.

import { describe, expect, it } from "vitest";
import { DIALECTS } from "../../src/demo/traffic/dialects/index.ts";
import { makeReports } from "../../src/demo/traffic/mails.ts";
import { randomFrom } from "../../src/demo/traffic/random.ts";
import { isRefusal, replyTo } from "../../src/demo/traffic/replies.ts";
import type { Dialect, Report } from "../../src/demo/traffic/types.ts";
import { readReply } from "../../src/model/replies/read-reply.ts";
import { eventOf } from "../support/dialect-event.ts";

const refusalsOf = (dialect: Dialect, count: number): Report[] =>
  makeReports({ random: randomFrom(7), dialect, count, now: 1.79e12 }).filter(({ what }) => isRefusal(what));

describe.each(DIALECTS.map((dialect) => [dialect.source, dialect] as const))("%s", (_, dialect) => {
  it("reports refusals that become what they are", () => {
    const wrong = refusalsOf(dialect, 600).filter(
      (report) => eventOf(dialect, dialect.compose([report], randomFrom(1)))?.type !== report.expected,
    );
    expect(wrong.map((report) => [report.what, replyTo(report)])).toEqual([]);
  });
});

describe("the replies of the demo", () => {
  it("are of every class", () => {
    const [dialect] = DIALECTS;
    const reports = dialect === undefined ? [] : refusalsOf(dialect, 2_000);
    const classes = reports.map(
      (report) => readReply({ code: null, enhanced: null, text: replyTo(report) }).class,
    );
    expect([...new Set(classes)].toSorted()).toEqual([
      "address",
      "content",
      "mailbox",
      "passing",
      "rate",
      "sender",
    ]);
  });
});
