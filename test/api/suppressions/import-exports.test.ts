// Lists as providers export them: what is imported, as what, and what is told of the rest.

import { beforeEach, describe, expect, it } from "vitest";
import { freshStorage } from "../../support/support.ts";
import { expectLogs } from "../../support/log.ts";
import { list } from "./asking.ts";
import { json, standing, taken, today } from "./importing.ts";

beforeEach(() => expectLogs(/the pipes were not woken/));
beforeEach(freshStorage);

describe("an export of", () => {
  it("SendGrid's bounces has the server's reply as its reason; blocks in it suppress nobody", async () => {
    const text = [
      "status,reason,email,created",
      "5.1.1,550 5.1.1 The account ada does not exist here,ada@example.com,1443651125",
      "5.2.2,552 5.2.2 mailbox is full,ben@example.com,1443651126",
      "5.7.1,550 5.7.1 Service unavailable; client host [192.0.2.1] blocked using a block list,cem@example.com,1443651127",
      "",
    ].join("\n");
    const answer = await taken(text);
    expect(answer).toMatchObject({
      added: 2,
      skipped: 1,
      rejected: 0,
      reasons: { hard_bounce: 1, soft_bounces: 1 },
    });
    expect(answer.skips).toEqual([{ line: 4, reason: expect.stringMatching(/block.*reason=/) }]);
    expect(await standing()).toEqual([
      "ada@example.com hard_bounce 2015-09-30",
      "ben@example.com soft_bounces 2015-09-30",
    ]);
    expect((await list()).suppressions[0]?.note).toBe("550 5.1.1 The account ada does not exist here");
    expect((await taken(text, "?reason=manual")).reasons).toEqual({
      hard_bounce: 1,
      soft_bounces: 1,
      manual: 1,
    });
  });

  it("SendGrid's other lists gets its reason from the caller, who is told if it is missing", async () => {
    const rows = [{ created: 1443651141, email: "dea@example.com", ip: "192.0.2.7" }];
    const told = await json(rows, "?dry_run=true");
    expect(told.reasons).toEqual({ manual: 1 });
    expect(told.warnings[0]).toContain("pass reason=");
    expect(told.columns).toContainEqual({ name: "ip", read_as: null });
    expect(await standing()).toEqual([]);
    expect((await json(rows, "?reason=complaint")).warnings).toEqual([]);
    expect(await standing()).toEqual(["dea@example.com complaint 2015-09-30"]);
    await json(["eve@example.com"], "?reason=unsubscribed&scope=sendgrid:42&note=group+42");
    expect((await list("?scope=sendgrid:42")).suppressions).toMatchObject([
      { address: "eve@example.com", reason: "unsubscribed", note: "group 42" },
    ]);
  });

  it("Mailgun, in pages of its API, has times as in mails", async () => {
    await json({
      items: [
        {
          address: "ada@example.com",
          code: "550",
          error: "No such mailbox",
          created_at: "Fri, 21 Oct 2022 11:02:55 GMT",
        },
      ],
      paging: { next: "https://api.example/next", first: "https://api.example/first" },
    });
    await taken("address,tags,created_at\nben@example.com,*,2023-05-01 10:00:00 +0200\n");
    expect(await standing()).toEqual([
      "ada@example.com hard_bounce 2022-10-21",
      "ben@example.com unsubscribed 2023-05-01",
    ]);
  });

  it("Postmark tells an unsubscribe by its origin, in CSV and in the dump of its API", async () => {
    await taken(
      "EmailAddress,SuppressionReason,Origin,CreatedAt\nada@example.com,HardBounce,Recipient,2019-12-10T08:58:33-05:00\n",
    );
    await json({
      Suppressions: [
        {
          EmailAddress: "ben@example.com",
          SuppressionReason: "ManualSuppression",
          Origin: "Recipient",
          CreatedAt: "2020-01-02T00:00:00Z",
        },
        {
          EmailAddress: "cem@example.com",
          SuppressionReason: "ManualSuppression",
          Origin: "Customer",
          CreatedAt: "2020-01-03T00:00:00Z",
        },
        {
          EmailAddress: "dea@example.com",
          SuppressionReason: "SpamComplaint",
          Origin: "Recipient",
          CreatedAt: "2020-01-04T00:00:00Z",
        },
      ],
    });
    expect(await standing()).toEqual([
      "ada@example.com hard_bounce 2019-12-10",
      "ben@example.com unsubscribed 2020-01-02",
      "cem@example.com manual 2020-01-03",
      "dea@example.com complaint 2020-01-04",
    ]);
  });

  it("Amazon SES comes as JSON with either kind of time, and as the file of its own bulk import", async () => {
    await json({
      SuppressedDestinationSummaries: [
        {
          EmailAddress: "ada@example.com",
          Reason: "BOUNCE",
          LastUpdateTime: "2020-04-10T21:03:05.264000+00:00",
        },
        { EmailAddress: "ben@example.com", Reason: "COMPLAINT", LastUpdateTime: 1586552585.077 },
      ],
      NextToken: null,
    });
    const answer = await taken("cem@example.com,BOUNCE\ndea@example.com,COMPLAINT\n");
    expect(answer).toMatchObject({ added: 2, format: { header: false } });
    expect(await standing()).toEqual([
      "ada@example.com hard_bounce 2020-04-10",
      "ben@example.com complaint 2020-04-10",
      `cem@example.com hard_bounce ${today()}`,
      `dea@example.com complaint ${today()}`,
    ]);
  });

  it("Mailchimp has a file for each kind, told by its column; those who are subscribed are left alone", async () => {
    await taken(
      "Email Address,First Name,OPTIN_TIME,CLEAN_TIME,CLEAN_CAMPAIGN_TITLE\nada@example.com,A,2019-01-01 00:00:00,2021-03-03 11:00:00,Spring\n",
    );
    await taken(
      "Email Address,UNSUB_TIME,UNSUB_REASON\nben@example.com,2022-04-05 06:07:08,NORMAL: No longer interested\n",
    );
    const members = await json({
      list_id: "x",
      members: [
        {
          email_address: "cem@example.com",
          status: "cleaned",
          timestamp_opt: "2010-01-01T00:00:00Z",
          last_changed: "2023-01-02T00:00:00Z",
        },
        { email_address: "dea@example.com", status: "subscribed", last_changed: "2023-01-02T00:00:00Z" },
      ],
    });
    expect(members).toMatchObject({ added: 1, skipped: 1 });
    expect(await standing()).toEqual([
      "ada@example.com hard_bounce 2021-03-03",
      "ben@example.com unsubscribed 2022-04-05",
      "cem@example.com hard_bounce 2023-01-02",
    ]);
  });

  it("Brevo has nested reasons, and contacts with flags, whose creation is no time of a suppression", async () => {
    await json({
      count: 2,
      contacts: [
        {
          email: "ada@example.com",
          senderEmail: "us@example.org",
          blockedAt: "2021-05-06T07:08:09Z",
          reason: { code: "hardBounce", message: "no mailbox" },
        },
        {
          email: "ben@example.com",
          blockedAt: "2021-05-07T07:08:09Z",
          reason: { code: "unsubscribedViaEmail", message: "" },
        },
      ],
    });
    const contacts = await json({
      contacts: [
        {
          email: "cem@example.com",
          emailBlacklisted: true,
          createdAt: "2015-01-01T00:00:00Z",
          modifiedAt: "2022-02-02T00:00:00Z",
        },
        { email: "dea@example.com", emailBlacklisted: false, createdAt: "2015-01-01T00:00:00Z" },
      ],
    });
    expect(contacts).toMatchObject({ added: 1, skipped: 1 });
    expect(await standing()).toEqual([
      "ada@example.com hard_bounce 2021-05-06",
      "ben@example.com unsubscribed 2021-05-07",
      "cem@example.com unsubscribed 2022-02-02",
    ]);
  });

  it("others: Mailjet, SparkPost, Mandrill, Resend, MailerSend, Elastic Email, Scaleway", async () => {
    await json({
      Count: 1,
      Data: [
        {
          Email: "a@example.com",
          IsExcludedFromCampaigns: true,
          ExclusionFromCampaignsUpdatedAt: "2021-01-01T00:00:00Z",
          CreatedAt: "2001-01-01T00:00:00Z",
        },
      ],
      Total: 1,
    });
    await json({
      results: [
        {
          recipient: "b@example.com",
          type: "non_transactional",
          source: "List Unsubscribe",
          description: "x",
          created: "2021-01-02T00:00:00+00:00",
        },
      ],
      links: [{ href: "/x", rel: "next" }],
      total_count: 1,
    });
    const mandrill = await json([
      {
        email: "c@example.com",
        reason: "hard-bounce",
        detail: "550 mailbox does not exist",
        created_at: "2021-01-03 10:20:30",
        expired: false,
      },
      { email: "cc@example.com", reason: "soft-bounce", created_at: "2021-01-03 10:20:30", expired: true },
    ]);
    expect(mandrill).toMatchObject({ added: 1, skips: [{ line: 2, reason: "has ended" }] });
    await json({
      object: "list",
      data: [
        { id: "1", email: "d@example.com", origin: "complaint", created_at: "2021-01-04 00:00:00.123456+00" },
      ],
    });
    await json({
      data: [
        {
          id: "1",
          readable_reason: "no such user",
          type: "hard_bounce",
          created_at: "2021-01-05T00:00:00.000000Z",
          recipient: { id: "2", email: "e@example.com" },
        },
      ],
    });
    await taken(
      "Email,Status,FriendlyErrorMessage,DateUpdated\nf@example.com,Bounced,Mailbox not found,1/16/2021 3:04:05 PM\n",
    );
    await json({
      blocklists: [
        {
          email: "g@example.com",
          type: "mailbox_not_found",
          reason: "",
          created_at: "2021-01-07T00:00:00Z",
          ends_at: null,
        },
      ],
    });
    expect(await standing()).toEqual([
      "a@example.com unsubscribed 2021-01-01",
      "b@example.com unsubscribed 2021-01-02",
      "c@example.com hard_bounce 2021-01-03",
      "d@example.com complaint 2021-01-04",
      "e@example.com hard_bounce 2021-01-05",
      "f@example.com hard_bounce 2021-01-16",
      "g@example.com hard_bounce 2021-01-07",
    ]);
  });

  it("several lists in one object has the reason of each list's name", async () => {
    const answer = await json({
      generated: "2026-01-01",
      bounces: [{ email: "a@example.com" }],
      spam_reports: [{ email: "b@example.com" }],
      unsubscribes: ["c@example.com"],
      blocks: [{ email: "d@example.com" }],
    });
    expect(answer).toMatchObject({
      rows: 4,
      skipped: 1,
      reasons: { hard_bounce: 1, complaint: 1, unsubscribed: 1 },
    });
  });
});
