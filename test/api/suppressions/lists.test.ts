// Suppressions of single mailing lists.

import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { configOf } from "../../../src/config/config.ts";
import { providers } from "../../../src/providers/index.ts";
import {
  deliver,
  envWith,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  rows,
} from "../../support/support.ts";
import { NOW, ask, list, status } from "./asking.ts";

describe("suppressions of one mailing list", () => {
  beforeEach(freshStorage);

  it("count for all mail by default, while the evidence still names each list", async () => {
    const unsubs = [7, 8].map((mj_list_id, i) => ({
      event: "unsub",
      email: "ann@example.com",
      time: NOW - 900 + i,
      mj_list_id,
    }));
    const post = mailjetPost(JSON.stringify(unsubs.map((one) => mailjetEvent(one))));
    const [message = new Uint8Array()] = await messagesOf(post);
    // The object reads the Worker's own configuration; its policy is tested with the fold. Here: what the facts name.
    await deliver([message]);
    expect(await status("ann@example.com")).toMatchObject({
      suppressed: true,
      history: [{ reason: "unsubscribed", scope: null }],
    });
    const { readEnvelope } = await import("../../../src/process/parse.ts");
    const { decodeFrame } = await import("../../../src/model/envelope.ts");
    const frame = await decodeFrame(message);
    if (frame.batch !== null) throw new Error("a pointer");
    const work = readEnvelope(
      { envelope: frame.envelope, batch: "b", line: 0, problem: null },
      configOf(envWith()),
    );
    expect(work.events.map(({ evidence: one }) => one?.scope)).toEqual(["mailjet:7", "mailjet:8"]);
  });

  it("take the list from the field that each provider has for it, and from no other field", () => {
    const cases: [provider: string, element: unknown, list: string | null][] = [
      ["mailjet", { event: "unsub", mj_list_id: 12 }, "12"],
      ["mailjet", { event: "unsub", mj_list_id: 0 }, null],
      ["mailjet", { event: "unsub", mj_list_id: "" }, null],
      ["sendgrid", { event: "group_unsubscribe", asm_group_id: 3 }, "3"],
      ["sendgrid", { event: "group_resubscribe", asm_group_id: 3 }, "3"],
      ["sendgrid", { event: "unsubscribe", asm_group_id: 3 }, null],
      ["sendgrid", { event: "spamreport", asm_group_id: 3 }, null],
      ["postmark", { RecordType: "SubscriptionChange", MessageStream: "broadcast" }, "broadcast"],
      ["mailtrap", { event: "unsubscribe", sending_stream: "bulk" }, "bulk"],
      ["brevo", { event: "unsubscribe", list_id: [7] }, "7"],
      ["brevo", { event: "unsubscribe", list_id: [7, 8] }, null],
      ["mailgun", { "event-data": { "mailing-list": { address: "news@example.net" } } }, "news@example.net"],
      ["mailgun", { "event-data": { "mailing-list": null } }, null],
      ["mailgun", { event: "unsubscribed", "mailing-list": "news@example.net" }, "news@example.net"],
      ["lettermint", { data: { scope: "route", route_id: "r1" } }, "r1"],
      ["lettermint", { data: { scope: "global", route_id: "r1" } }, null],
      ["lettermint", { data: { scope: "project", project_id: "p1", route_id: "r1" } }, "p1"],
      ["mailersend", { data: { meta: { list_id: "l1" } } }, "l1"],
      ["mailersend", { data: { meta: [] } }, null],
      ["elasticemail", { status: "Unsubscribed", ListName: "Parcels" }, "Parcels"],
      ["generic", { event: "unsubscribed", list_id: 4 }, "4"],
      ["generic", { type: "unsubscribed", data: { email: "a@example.net", topic: "news" } }, "news"],
      ["generic", { event: "unsubscribed" }, null],
      ["ses", { eventType: "Subscription", mail: {}, subscription: { contactList: "news" } }, "news"],
      [
        "ses",
        {
          Type: "Notification",
          Message: '{"eventType":"Subscription","subscription":{"contactList":"news"}}',
        },
        "news",
      ],
    ];
    for (const [provider, element, list] of cases)
      expect(providers[provider]?.scopeOf?.(element), `${provider} ${JSON.stringify(element)}`).toBe(list);
    const naming = Object.values(providers).filter((provider) => "scopeOf" in provider);
    expect(naming.map(({ id }) => id).sort()).toEqual([
      "brevo",
      "elasticemail",
      "generic",
      "lettermint",
      "mailersend",
      "mailgun",
      "mailjet",
      "mailtrap",
      "mandrill",
      "postmark",
      "resend",
      "sendgrid",
      "sendpulse",
      "ses",
      "sparkpost",
    ]);
    const field = fc.constantFrom(
      "event",
      "mj_list_id",
      "asm_group_id",
      "MessageStream",
      "sending_stream",
      "list_id",
      "mailing-list",
      "event-data",
      "data",
      "subscription",
      "Type",
      "Message",
    );
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.dictionary(field, fc.jsonValue())), (element) => {
        for (const provider of naming)
          expect(["string", "object"]).toContain(typeof provider.scopeOf?.(element));
      }),
      { numRuns: 300 },
    );
  });

  it("suppress only mail of that list if entered by hand", async () => {
    await ask("PUT", "/ann@example.com", { scope: "mailjet:12", note: "only that one" });
    expect(await status("ann@example.com")).toMatchObject({
      suppressed: false,
      history: [{ scope: "mailjet:12" }],
    });
    expect(await rows("SELECT suppressed FROM contacts")).toEqual([{ suppressed: null }]);
    const check = async (scope?: string) =>
      (
        await (
          await ask("POST", "/check", { addresses: ["ann@example.com"], scope })
        ).json<{ addresses: unknown[] }>()
      ).addresses[0];
    expect(await check()).toMatchObject({ suppressed: false, reason: null });
    expect(await check("mailjet:13")).toMatchObject({ suppressed: false });
    expect(await check("mailjet:12")).toMatchObject({
      suppressed: true,
      reason: "manual",
      scope: "mailjet:12",
    });
    expect((await list("?scope=mailjet:12")).suppressions).toHaveLength(1);
    expect((await list("?scope=global")).suppressions).toHaveLength(0);
    expect((await ask("DELETE", "/ann@example.com?scope=global")).status).toBe(404);
    expect((await ask("DELETE", "/ann@example.com?scope=mailjet:12")).status).toBe(200);
    expect(await check("mailjet:12")).toMatchObject({ suppressed: false });
  });
});
