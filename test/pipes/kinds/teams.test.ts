// `teams`: the shared suite, and what the card says and keeps to itself.

import { describe, expect, it } from "vitest";
import { teams } from "../../../src/pipes/kinds/teams.ts";
import { cases, teamsCase } from "./cases/teams.ts";
import { bounced, firing, huge, paused, resolved, sentBy, wrongIn } from "./said.ts";
import { describeKind } from "./suite.ts";

for (const one of cases) describeKind(one);

const at = await teamsCase();

interface Card {
  body: { id?: string; inlines: { text: string; color?: string }[] }[];
  actions?: { url: string }[];
}

async function cardOf(...given: Parameters<typeof sentBy>): Promise<Card> {
  const { attachments } = await sentBy(...given);
  return (attachments as { content: Card }[])[0]?.content ?? { body: [] };
}

describe("a card for Teams", () => {
  it("says what happened, masked, in blocks that are never taken for Markdown", async () => {
    const { body, actions } = await cardOf(teams, at.settings(), [bounced, paused]);
    const texts = body.map(({ inlines }) => inlines.map(({ text }) => text).join(""));
    expect(texts).toEqual([
      "2 events: 1 bounced, 1 pipe.paused",
      "bounced (hard) · a***@example.com · message 4711 · invalid: 550 5.1.1 <A***@Example.com>: no such user @everyone " +
        "*[now](h***@example.org) · 2026-11-21T11:59:00.000Z".replace(
          "h***@example.org",
          "https://evil.example)* (see b***@example.org",
        ),
      "pipe.paused · pipe orders · no answer for 75 hours · 2026-11-21T12:00:00.000Z",
    ]);
    expect(body.map(({ id }) => id)).toEqual([undefined, "bounce", "p1-paused-1"]);
    expect(body[0]?.inlines[0]?.color).toBe("attention");
    expect(actions).toBeUndefined();
  });

  it("has a colour and a button for an alert, and another colour for its end", async () => {
    const fires = await cardOf(teams, at.settings(), [firing]);
    expect(fires.body[0]?.inlines[0]).toMatchObject({
      text: "[critical] gmail refuses 64 of 80 mails (80 %) since 14:05",
      color: "attention",
    });
    expect(fires.actions?.map(({ url }) => url)).toEqual(["https://edge.example/dashboard/alerts/1"]);
    const ends = await cardOf(teams, at.settings(), [resolved]);
    expect(ends.body[0]?.inlines[0]).toMatchObject({
      text: "[resolved] gmail takes mails again, after 42 min",
      color: "good",
    });
  });

  it("fits Teams' limits whatever the events hold, also where one comes twice", async () => {
    const full = { ...at.settings(), addresses: "full" };
    const batch = Array.from({ length: teams.batch.events }, huge);
    await sentBy(teams, full, [...batch.slice(1), ...batch.slice(-1)]);
  });
});

describe("teams settings", () => {
  it("settings that cannot be right are refused by name", () => {
    const url =
      "https://default.1.environment.api.powerplatform.com/powerautomate/automations/direct/x?sig=y";
    expect(wrongIn(teams, { url })).toBeUndefined();
    expect(
      wrongIn(teams, { url: "https://acme.webhook.office.com/webhookb2/x/IncomingWebhook/y/z" }),
    ).toEqual([
      ["url", expect.stringMatching(/^must be the URL of a workflow: the connectors of Office 365 are gone/)],
    ]);
    expect(wrongIn(teams, { url: "http://example.com/x" })).toEqual([["url", "must begin with https://"]]);
  });
});
