// `email`: the shared suite, what a mail says and keeps to itself, and that no mail leads to another.

import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { email } from "../../../src/pipes/kinds/email.ts";
import type { Outcome, Outgoing } from "../../../src/pipes/kinds/kind.ts";
import { attemptOf, outgoing } from "../attempts.ts";
import { cases, emailBinding } from "./cases/email.ts";
import { bounced, firing, huge, paused, wrongIn } from "./said.ts";
import { describeKind } from "./suite.ts";

for (const one of cases) describeKind(one);

const settings = { to: ["ops@example.com", "Boss@Example.com"], from: "tidings@example.com" };
const { bound, control } = emailBinding();
const local = (env as { EMAIL?: unknown }).EMAIL;

async function send(batch: readonly Outgoing[], over = {}, binding: unknown = bound) {
  await control.forget();
  const { attempt, notes } = attemptOf({ env: { ...env, EMAIL: binding } as Env });
  const outcome: Outcome = await email.deliver(
    batch,
    email.settings.parse({ ...settings, ...over }),
    attempt,
  );
  return { outcome, notes, mail: control.mails()[0] };
}

describe("a mail", () => {
  it("says in its subject what happened, and how bad the worst of it is; then each event, masked", async () => {
    const { mail } = await send([bounced, paused]);
    expect(mail).toMatchObject({
      to: ["ops@example.com", "boss@example.com"],
      from: { email: "tidings@example.com", name: "Tidings" },
      subject: "[error] 2 events: 1 bounced, 1 pipe.paused - Tidings",
    });
    expect(mail?.text).toContain("- bounced (hard) · a***@example.com · message 4711 · invalid: 550 5.1.1");
    expect(mail?.html).toContain("&lt;A***@Example.com&gt;: no such user");
    expect(mail?.text + (mail?.html ?? "")).not.toMatch(/ann@|bob@/i);
  });

  it("of a single alert has its sentence as the subject, and its link", async () => {
    const { mail } = await send([firing]);
    expect(mail?.subject).toBe("[critical] gmail refuses 64 of 80 mails (80 %) since 14:05 - Tidings");
    expect(mail?.html).toContain('<a href="https://edge.example/dashboard/alerts/1">more</a>');
  });

  it("fits the service's limits whatever the events hold", async () => {
    const batch = Array.from({ length: email.batch.events }, huge);
    const { outcome } = await send(batch, {
      addresses: "full",
      to: [...Array(50).keys()].map((n) => `p${n}@example.com`),
    });
    expect(outcome).toMatchObject({ result: "delivered", reason: null });
  });

  it("is taken by the local service, and refused for a sender that the binding does not allow", async () => {
    const { outcome, notes } = await send([bounced], {}, local);
    expect(outcome).toMatchObject({ result: "delivered", reason: null });
    expect(notes[0]?.response?.body).toMatch(/@example\.com/);
    const barred = await send([bounced], { from: "other@example.com" }, local);
    expect(barred.outcome).toMatchObject({
      result: "denied",
      reason: "not taken: the binding does not allow this sender or recipient",
    });
  });

  it("cannot be sent by a deployment without the binding", async () => {
    expect(email.lacks?.({ ...env, EMAIL: undefined } as Env)).toMatch(/\[\[send_email\]\]/);
    expect(email.lacks?.({ ...env, EMAIL: bound } as Env)).toBeNull();
    expect((await send([bounced], {}, null)).outcome).toMatchObject({ result: "denied" });
  });
});

describe("events about our own mails", () => {
  const mine = outgoing({ type: "bounced", contact: "boss@example.com", description: "550 no" });
  const marked = outgoing({ type: "bounced", metadata: { "x-tidings-alert": "attempt" } });

  it("are not mailed: neither those about a recipient, nor those that report our header", async () => {
    const { outcome, mail } = await send([mine, bounced, marked]);
    const reason = "about an address that gets these mails itself";
    expect(outcome).toMatchObject({
      result: "delivered",
      skipped: [
        { index: 0, reason },
        { index: 2, reason },
      ],
    });
    expect(mail?.text).toContain("bounced (hard)");
    expect(mail?.text).not.toContain("b***@example.com");
    expect(mail?.subject).not.toContain("events");
  });

  it("keep every mail back while the database cannot say who gets mails", async () => {
    const DB = { prepare: () => ({ all: async () => await Promise.reject(new Error("D1_ERROR: down")) }) };
    const { attempt } = attemptOf({ env: { ...env, EMAIL: bound, DB } as unknown as Env });
    await control.forget();
    const outcome = await email.deliver([bounced], email.settings.parse(settings), attempt);
    expect(outcome).toMatchObject({
      result: "unavailable",
      reason: expect.stringMatching(/database/) as unknown,
    });
    expect(control.mails()).toEqual([]);
  });

  it("send no mail at all where there is nothing else", async () => {
    const { outcome, mail, notes } = await send([mine, marked]);
    expect(outcome.skipped?.map(({ index }) => index)).toEqual([0, 1]);
    expect([mail, notes]).toEqual([undefined, []]);
  });
});

describe("email settings", () => {
  it("settings that cannot be right are refused by name", () => {
    expect(wrongIn(email, { ...settings, to: "ops@example.com" })).toBeUndefined();
    expect(wrongIn(email, { ...settings, from: "nobody" })).toEqual([
      ["from", "must be an address: it is not an address"],
    ]);
    const many = [...Array(51).keys()].map((n) => `p${n}@example.com`);
    for (const to of [many, [], "nobody", ["nobody"]])
      expect(wrongIn(email, { ...settings, to })?.map(([name]) => name.split(".")[0])).toEqual(["to"]);
    expect(wrongIn(email, { ...settings, interval_seconds: 5 })).toEqual([
      ["interval_seconds", "must be a whole number from 60 to 86400"],
    ]);
    expect(wrongIn(email, { ...settings, from_name: "a\r\nBcc: x" })?.map(([name]) => name)).toEqual([
      "from_name",
    ]);
  });
});
