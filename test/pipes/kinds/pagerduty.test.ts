// `pagerduty`: the shared suite, and which incidents are opened and resolved.

import { describe, expect, it } from "vitest";
import type { Outgoing } from "../../../src/pipes/kinds/kind.ts";
import { pagerduty } from "../../../src/pipes/kinds/pagerduty.ts";
import { outgoing } from "../attempts.ts";
import { cases, pagerdutyCase } from "./cases/pagerduty.ts";
import { bounced, firing, huge, paused, resolved, resumed, sentBy, wrongIn } from "./said.ts";
import { describeKind } from "./suite.ts";

for (const one of cases) describeKind(one);

const at = await pagerdutyCase();
const sent = async (one: Outgoing, over = {}) => {
  const event = await sentBy(pagerduty, { ...at.settings(), ...over }, [one]);
  expect(event["routing_key"]).toBe("(hidden)");
  return event as { event_action: string; dedup_key: string; payload: Record<string, unknown> };
};

describe("an incident", () => {
  it("is opened by a pipe that is paused, and resolved when the pipe is resumed", async () => {
    const opened = await sent(paused);
    expect(opened).toMatchObject({
      event_action: "trigger",
      dedup_key: "tidings/pipe/p1",
      payload: {
        summary: "pipe.paused: orders",
        severity: "error",
        component: "orders",
        class: "pipe.paused",
        timestamp: "2026-11-21T12:00:00.000Z",
        custom_details: { reason: "no answer for 75 hours" },
      },
    });
    const ended = await sent(resumed);
    expect(ended).toMatchObject({ event_action: "resolve", dedup_key: opened.dedup_key });
  });

  it("is one for an alert with all its updates, under the alert's fingerprint", async () => {
    const fires = await sent(firing);
    expect(fires).toMatchObject({
      event_action: "trigger",
      dedup_key: "tidings/alert/blocked_destination/gmail",
      links: [{ href: "https://edge.example/dashboard/alerts/1", text: "More" }],
      payload: {
        severity: "critical",
        summary: "[critical] gmail refuses 64 of 80 mails (80 %) since 14:05",
      },
    });
    expect(await sent({ ...firing, type: "alert.updated" })).toMatchObject({
      event_action: "trigger",
      dedup_key: fires.dedup_key,
    });
    expect(await sent(resolved)).toMatchObject({ event_action: "resolve", dedup_key: fires.dedup_key });
  });

  it("about a contact ends only once no suppression is in force any more, and names no address", async () => {
    const about = (type: string, suppressed: boolean) =>
      outgoing({
        type,
        contact: "ann@example.com",
        description: null,
        data: { reason: "complaint", suppressed },
      });
    const told = [
      await sent(about("contact.suppressed", true)),
      await sent(about("contact.lifted", true)),
      await sent(about("contact.lifted", false)),
    ];
    expect(told.map(({ event_action: action }) => action)).toEqual(["trigger", "trigger", "resolve"]);
    expect(new Set(told.map(({ dedup_key: key }) => key)).size).toBe(1);
    expect(JSON.stringify([...told, await sent(bounced)])).not.toMatch(/ann@|bob@/i);
  });

  it("fits PagerDuty's limits whatever the event holds", async () => {
    await sent(huge(), { addresses: "full" });
    await sent(outgoing({ type: "alert.firing", contact: null, data: { fingerprint: "f".repeat(9000) } }));
  });
});

describe("pagerduty settings", () => {
  it("settings that cannot be right are refused by name", () => {
    const key = { routing_key: "0".repeat(32) };
    expect(wrongIn(pagerduty, { ...key, endpoint: "https://events.eu.pagerduty.com" })).toBeUndefined();
    expect(wrongIn(pagerduty, { ...key, endpoint: "https://pagerduty.example.com" })).toEqual([
      [
        "endpoint",
        "must be https://events.pagerduty.com, or https://events.eu.pagerduty.com for accounts in the EU",
      ],
    ]);
    expect(wrongIn(pagerduty, { routing_key: "short" })).toEqual([
      ["routing_key", "must be an integration key (Events API v2): 32 letters and digits"],
    ]);
  });
});
