// The demo's traffic carries replies of every class, and each becomes the event that the demo expects.

import { describe, expect, it } from "vitest";
import { DIALECTS } from "../../src/demo/traffic/dialects/index.ts";
import { makeReports } from "../../src/demo/traffic/mails.ts";
import { randomFrom } from "../../src/demo/traffic/random.ts";
import { isRefusal, replyTo } from "../../src/demo/traffic/replies.ts";
import type { Dialect, Report } from "../../src/demo/traffic/types.ts";
import type { ParsedEvent } from "../../src/model/event.ts";
import { readReply } from "../../src/model/replies/read-reply.ts";
import { providers } from "../../src/providers/index.ts";

const refusalsOf = (dialect: Dialect, count: number): Report[] =>
  makeReports({ random: randomFrom(7), dialect, count, now: 1.79e12 }).filter(({ what }) => isRefusal(what));

/** The event that the report becomes. */
function eventOf(dialect: Dialect, report: Report): ParsedEvent | undefined {
  const { method, path, headers, body } = dialect.compose([report], randomFrom(1));
  const delivery = {
    method,
    url: `https://edge.example${path}`,
    headers: new Headers(headers),
    body: new TextEncoder().encode(body ?? ""),
    receivedAt: 1.79e12,
    settings: dialect.settings ?? {},
  };
  const provider = String(dialect.settings?.["provider"] ?? dialect.source);
  return providers[provider]?.parse(delivery).events[0];
}

describe.each(DIALECTS.map((dialect) => [dialect.source, dialect] as const))("%s", (_, dialect) => {
  it("reports refusals that become what they are", () => {
    const wrong = refusalsOf(dialect, 600).filter(
      (report) => eventOf(dialect, report)?.type !== report.expected,
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
