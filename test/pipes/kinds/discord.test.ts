// `discord`: the shared suite, and what the message says and keeps to itself.

import { describe, expect, it } from "vitest";
import { discord } from "../../../src/pipes/kinds/discord.ts";
import { cases, discordCase } from "./cases/discord.ts";
import { bounced, firing, huge, paused, resolved, sentBy, wrongIn } from "./said.ts";
import { describeKind } from "./suite.ts";

for (const one of cases) describeKind(one);

const at = await discordCase();

describe("a message to Discord", () => {
  it("says what happened, masked, and mentions nobody whatever a server said", async () => {
    const message = await sentBy(discord, at.settings(), [bounced, paused]);
    expect(message["content"]).toBe("**2 events: 1 bounced, 1 pipe.paused**");
    expect(message["allowed_mentions"]).toEqual({ parse: [] });
    expect(message["embeds"]).toMatchObject([
      {
        title: "bounced (hard)",
        description: expect.stringMatching(
          /^a\\\*\\\*\\\*@example\.com · message 4711 · invalid: 550 5\.1\.1 \\<A\\\*\\\*\\\*@Example.com\\>: no such user @\u200Beveryone \\\*\\\[now\\\]/,
        ) as unknown,
        timestamp: "2026-11-21T11:59:00.000Z",
      },
      { title: "pipe.paused", description: "pipe orders · no answer for 75 hours" },
    ]);
    expect(JSON.stringify(message)).not.toMatch(/ann@|bob@/i);
  });

  it("shows by its colour how bad an alert is, and that it ended", async () => {
    const { embeds } = await sentBy(discord, at.settings(), [firing, resolved]);
    const [bad, good] = embeds as { color: number; url: string }[];
    expect(bad).toMatchObject({
      title: "alert.firing (critical)",
      url: "https://edge.example/dashboard/alerts/1",
    });
    expect(bad?.color).not.toBe(good?.color);
  });

  it("fits Discord's limits whatever the events hold", async () => {
    const full = { ...at.settings(), addresses: "full" };
    await sentBy(discord, full, Array.from({ length: discord.batch.events }, huge));
  });

  it("goes into the thread that the URL names", async () => {
    const { url } = at.settings() as { url: string };
    await at.control.forget();
    await sentBy(discord, { url: `${url}?thread_id=77` }, [bounced]);
    expect((await at.control.tell()).refused).toEqual([]);
  });
});

describe("discord settings", () => {
  it("settings that cannot be right are refused by name", () => {
    const message = "must be a webhook of Discord: https://discord.com/api/webhooks/<id>/<token>";
    expect(wrongIn(discord, { url: "https://discord.com/api/webhooks/1/x-y_z" })).toBeUndefined();
    expect(wrongIn(discord, { url: "https://canary.discord.com/api/v10/webhooks/1/x" })).toBeUndefined();
    expect(wrongIn(discord, { url: "https://discord.com/api/webhooks/1/x/slack" })).toEqual([
      ["url", message],
    ]);
    expect(wrongIn(discord, { url: "https://discord.gg/abc" })).toEqual([["url", message]]);
    expect(wrongIn(discord, { url: "https://chat.example.com/hooks/1" })).toBeUndefined();
    expect(wrongIn(discord, { url: "http://chat.example.com/hooks/1" })).toEqual([
      ["url", "must begin with https://"],
    ]);
  });
});
