// `slack`: the shared suite, and what the message says and keeps to itself.

import { describe, expect, it } from "vitest";
import { slack } from "../../../src/pipes/kinds/slack.ts";
import { attemptOf, outgoing as anyOutgoing, type Fields } from "../attempts.ts";
import { cases, slackCase } from "./cases/slack.ts";
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
    expect(blocks[1]?.text.text).toMatch(/^\*pipe\.paused\* · no answer for 75 hours · <!date/);
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

describe("slack settings", () => {
  it("settings that cannot be right are refused by name", () => {
    const wrong = (given: unknown) =>
      slack.settings.safeParse(given).error?.issues.map(({ path, message }) => [path.join("."), message]);
    expect(wrong({ url: "https://hooks.slack.com/services/T/B/x" })).toBeUndefined();
    expect(wrong({ url: "https://example.com/services/T/B/x" })).toEqual([
      ["url", "must be an incoming webhook of Slack: https://hooks.slack.com/services/..."],
    ]);
    expect(wrong({ url, addresses: "none" })).toEqual([["addresses", "must be masked or full"]]);
  });
});
