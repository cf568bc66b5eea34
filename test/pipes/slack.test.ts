// Slack: what the message says and keeps to itself, and what each of Slack's answers means.

import { describe, expect, it, vi } from "vitest";
import { slack } from "../../src/pipes/kinds/slack.ts";
import { attempt, cancelled, outgoing, peer, settled } from "./attempts.ts";

const at = peer("slack");
const url = `${at.origin}/services/T0000/B0000/RightSecret`;
const settings = settled(slack, { url });

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
  await at.received();
  expect(await slack.deliver(batch, over, attempt())).toMatchObject({ verdict: "delivered", status: 200 });
  const { received } = await at.received();
  expect(received).toHaveLength(1);
  return JSON.parse(received[0]?.body ?? "") as Message;
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
    const full = await sent([bounced], settled(slack, { url, addresses: "full" }));
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
    const full = settled(slack, { url, addresses: "full" });
    const { blocks } = await sent([...batch.slice(1), ...batch.slice(-1)], full);
    expect(blocks).toHaveLength(1 + slack.batch.events);
  });
});

describe("what answers mean", () => {
  it.each([
    [400, "invalid_payload", "refused"],
    [400, "user_not_found", "denied"],
    [403, "action_prohibited", "denied"],
    [403, "invalid_token", "denied"],
    [404, "channel_not_found", "denied"],
    [404, "no_service", "denied"],
    [410, "channel_is_archived", "gone"],
    [500, "rollup_error", "unavailable"],
    [503, "<html>busy ann@example.com</html>", "unavailable"],
    [200, "<html>welcome</html>", "unavailable"],
    [302, "", "denied"],
  ])("%i %s: %s", async (status, body, verdict) => {
    await at.fail({ status, body });
    const outcome = await slack.deliver([bounced], settings, attempt());
    expect(outcome).toMatchObject({ verdict, status });
    expect(outcome.reason).not.toContain("@");
  });

  it("waits for as long as Slack asks for, or as its limit says", async () => {
    await at.fail({ status: 429, headers: { "retry-after": "30" } }, { status: 429, body: "rate_limited" });
    const asked = await slack.deliver([bounced], settings, attempt());
    expect(asked).toMatchObject({ verdict: "slow_down", retryAfter: 30_000 });
    const unasked = await slack.deliver([bounced], settings, attempt());
    expect(unasked).toMatchObject({ verdict: "slow_down", retryAfter: 1000 });
  });

  it("a wrong secret is denied, a cut connection is nobody's answer", async () => {
    const wrong = settled(slack, { url: `${url}X` });
    expect(await slack.deliver([bounced], wrong, attempt())).toMatchObject({
      verdict: "denied",
      reason: "answered 404 no_service",
    });
    await at.fail("cut");
    expect(await slack.deliver([bounced], settings, attempt())).toMatchObject({ verdict: "unavailable" });
  });

  it("ends with its attempt while Slack hangs, and leaves nothing open", async () => {
    await at.fail("hang");
    const { outcome, atOnce } = await cancelled((one) => slack.deliver([bounced], settings, one));
    expect(outcome.verdict).toBe("unavailable");
    expect(atOnce).toBe(true);
    await vi.waitFor(async () => expect((await at.received()).hanging).toBe(0));
  });
});

describe("what is kept secret and safe", () => {
  it("the URL is in no note, reason or log", async () => {
    const logs = (["log", "warn", "error"] as const).map((name) => vi.spyOn(console, name));
    await at.fail(null, { status: 404, body: `no ${url}` }, "cut");
    const one = attempt();
    const outcomes = [];
    for (let i = 0; i < 3; i++) outcomes.push(await slack.deliver([bounced], settings, one));
    expect(outcomes.map(({ verdict }) => verdict)).toEqual(["delivered", "denied", "unavailable"]);
    expect(one.notes).toHaveLength(3);
    expect(JSON.stringify([one.notes, outcomes, logs.map(({ mock }) => mock.calls)])).not.toContain(
      "RightSecret",
    );
    expect(one.notes[0]?.request.headers["tidings-attempt"]).toBe("attempt-1");
  });

  it("is not sent to this machine but in local development", async () => {
    const outcome = await slack.deliver([bounced], settings, attempt({ loopback: false }));
    expect(outcome).toMatchObject({ verdict: "denied", status: null });
  });

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
