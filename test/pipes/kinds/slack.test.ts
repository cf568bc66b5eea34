// `slack`: the shared suite, what the message says and keeps to itself, and what servers other than Slack are sent.

import { describe, expect, it } from "vitest";
import { slack } from "../../../src/pipes/kinds/slack.ts";
import { attemptOf, outgoing as anyOutgoing, type Fields } from "../attempts.ts";
import { cases, discordCase, mattermostCase, rocketchatCase, slackCase } from "./cases/slack.ts";
import { describeKind } from "./suite.ts";

for (const one of cases) describeKind(one);

const at = await slackCase();
const { url } = at.settings() as { url: string };
const settings = slack.settings.parse({ url });
const outgoing = (fields: Fields) =>
  anyOutgoing({
    contact: "ann@example.com",
    occurred_at: "2026-11-21T11:59:00.000Z",
    message_id: "1152921521234567890",
    description: null,
    ...fields,
  });

const bounced = outgoing({
  id: "bounce",
  type: "bounced",
  bounce: "hard",
  reason: "invalid",
  contact: "ann@example.com",
  description: "550 5.1.1 <Ann@Example.com>: no such user & <!channel>\n(see bob@example.org)",
});

interface Message {
  text: string;
  blocks: { block_id?: string; text: { text: string } }[];
}

async function sent(batch = [bounced], over = settings): Promise<Message> {
  const { attempt, notes } = attemptOf();
  expect(await slack.deliver(batch, over, attempt)).toMatchObject({ result: "delivered", status: 200 });
  expect(notes).toHaveLength(1);
  expect(notes[0]?.request.headers["tidings-attempt"]).toBe(attempt.id);
  return JSON.parse(notes[0]?.request.body ?? "") as Message;
}

describe("what is written", () => {
  it("says what happened by type and count, then each event with its id, masked and escaped", async () => {
    const { text, blocks } = await sent([outgoing({ id: "one" }), bounced, outgoing({ id: "two" })]);
    expect(text).toBe("3 events: 2 delivered, 1 bounced");
    expect(blocks.map(({ block_id: id }) => id)).toEqual([undefined, "one", "bounce", "two"]);
    expect(blocks[2]?.text.text).toBe(
      "*bounced* (hard) · a***@example.com · message 1152921521234567890 · " +
        "invalid: 550 5.1.1 &lt;A***@Example.com&gt;: no such user &amp; &lt;!channel&gt; (see b***@example.org) · " +
        "<!date^1795262340^{date_num} {time_secs}|2026-11-21T11:59:00.000Z>",
    );
  });

  it("names addresses in full only where it is told to", async () => {
    expect(JSON.stringify(await sent())).not.toMatch(/ann@|bob@/i);
    const full = await sent([bounced], slack.settings.parse({ url, addresses: "full" }));
    expect(full.blocks[1]?.text.text).toContain("ann@example.com");
  });

  it("tells extra events too, and those that are about nobody", async () => {
    const data = { pipe: "p1", name: "orders", reason: "no answer for 75 hours" };
    const { blocks } = await sent([outgoing({ type: "pipe.paused", contact: null, message_id: null, data })]);
    expect(blocks[1]?.text.text).toMatch(/^\*pipe\.paused\* · pipe orders · no answer for 75 hours · <!date/);
  });

  it("tells an alert by its sentence, with a link, and one alone in the notification", async () => {
    const data = {
      fingerprint: "blocked_destination/gmail",
      severity: "critical",
      summary: "gmail refuses 64 of 80 mails (80 %), ann@example.com among them",
      link: "https://edge.example/dashboard/alerts/blocked_destination|gmail",
    };
    const { text, blocks } = await sent([
      outgoing({ type: "alert.firing", contact: null, message_id: null, data }),
    ]);
    expect(text).toBe("[critical] gmail refuses 64 of 80 mails (80 %), a***@example.com among them");
    expect(blocks[1]?.text.text).toMatch(
      /^\*alert\.firing\* \(critical\) · gmail refuses .* · <https:.*blocked_destination%7Cgmail\|more>$/,
    );
  });

  it("fits Slack's limits whatever the events hold, also where one comes twice", async () => {
    const huge = {
      contact: `${"&".repeat(300)}@example.com`,
      message_id: "<".repeat(5000),
      description: "&😀".repeat(5000),
    };
    const batch = Array.from({ length: slack.batch.events }, () => outgoing(huge));
    const full = slack.settings.parse({ url, addresses: "full" });
    const { blocks } = await sent([...batch.slice(1), ...batch.slice(-1)], full);
    expect(blocks).toHaveLength(1 + slack.batch.events);
  });
});

const compatible = {
  mattermost: await mattermostCase(),
  rocketchat: await rocketchatCase(),
  discord: await discordCase(),
};

describe("servers that take Slack's messages", () => {
  it.each(Object.entries(compatible))(
    "%s gets text and attachments, which mention nobody",
    async (_, server) => {
      await server.control.forget();
      const { attempt, notes } = attemptOf();
      const evil = outgoing({
        id: "evil",
        type: "blocked",
        description: "(@channel) @all *@here* [a](https://b.example)",
      });
      const over = slack.settings.parse(server.settings());
      expect(await slack.deliver([bounced, evil], over, attempt)).toMatchObject({ result: "delivered" });
      const body = JSON.parse(notes[0]?.request.body ?? "") as {
        text: string;
        attachments: { color: string; text: string }[];
      };
      expect(body.text).toBe("**2 events: 1 bounced, 1 blocked**");
      expect(body.attachments[0]?.text).toMatch(
        /^\*\*bounced\*\* \(hard\) · a\\\*\\\*\\\*@example.com · message /,
      );
      expect(body.attachments[0]?.text).toContain("\\<A\\*\\*\\*@Example.com\\>: no such user");
      expect(body.attachments[1]?.text).not.toMatch(/@(all|channel|here)|[^\\]\[a/);
      expect(JSON.stringify(body)).not.toMatch(/ann@|bob@/i);
    },
  );

  it("are known by their URLs, as far as those tell, and else by the flavour", () => {
    const eventsAt = (given: object): number | undefined =>
      slack.batchOf?.(slack.settings.parse(given)).events;
    expect(eventsAt({ url: "https://discord.com/api/webhooks/1/x/slack" })).toBe(10);
    expect(eventsAt({ url: "https://chat.example.com/hooks/1/x", flavour: "discord" })).toBe(10);
    expect(eventsAt({ url: "https://chat.example.com/hooks/x" })).toBe(20);
  });
});

describe("slack settings", () => {
  it("settings that cannot be right are refused by name", () => {
    const wrong = (given: unknown) =>
      slack.settings.safeParse(given).error?.issues.map(({ path, message }) => [path.join("."), message]);
    expect(wrong({ url: "https://hooks.slack.com/services/T/B/x" })).toBeUndefined();
    expect(wrong({ url: "https://chat.example.com/hooks/x" })).toBeUndefined();
    expect(wrong({ url: "https://10.0.0.1/hooks/x" })).toEqual([
      ["url", "must not lead to a private or local address"],
    ]);
    expect(wrong({ url: "https://hooks.slack.com/services/T/B/x", flavour: "mattermost" })).toEqual([
      ["flavour", "must be slack for a webhook of Slack"],
    ]);
    expect(wrong({ url: "https://discord.com/api/webhooks/1/x" })).toEqual([
      ["url", "must end with /slack, because it is Discord's; or make a pipe of kind discord with it"],
    ]);
    expect(wrong({ url, flavour: "zulip" })).toEqual([
      ["flavour", "must be slack, mattermost, rocketchat or discord"],
    ]);
    expect(wrong({ url, addresses: "none" })).toEqual([["addresses", "must be masked or full"]]);
  });
});
