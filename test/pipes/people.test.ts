// Pipes that write to people, as a deployment runs them: mails need a binding and gather events, chats get no more
// requests than they take, and what paused a pipe is known to be over.

import { describe, expect, it } from "vitest";
import { expectLogs } from "../support/log.ts";
import { envWith, rows } from "../support/support.ts";
import {
  ask,
  make,
  pass,
  people,
  receivers,
  show,
  status,
  store,
  taken,
  withReceivers,
} from "./receivers.ts";

withReceivers();

const mails = {
  name: "mails",
  kind: "email",
  settings: { to: "ops@example.com", from: "tidings@example.com" },
  log_share: 1,
};

/** How many requests (mails, posts) the pipe made, by its log. */
async function requestsOf(id: string): Promise<number> {
  const response = await ask("GET", `/attempts?pipe=${id}&limit=100`);
  return (await response.json<{ attempts: unknown[] }>()).attempts.length;
}

describe("a pipe of kind email", () => {
  it("is refused in a deployment without Email Service, with what to do", async () => {
    const without = { ...envWith(), EMAIL: undefined } as Env;
    const refused = await ask("POST", "/pipes", mails, without);
    expect(refused.status).toBe(409);
    const { detail } = await refused.json<{ detail: string }>();
    expect(detail).toMatch(/add \[\[send_email\]\] with name = "EMAIL" to wrangler\.toml/);
    expect(await rows("SELECT id FROM pipes")).toEqual([]);
    const listed = await ask("GET", "/pipe-kinds", undefined, without);
    const { pipe_kinds: kinds } = await listed.json<{
      pipe_kinds: { kind: string; lacks: string | null }[];
    }>();
    const lacking = kinds.filter(({ lacks }) => lacks !== null);
    expect(lacking).toMatchObject([
      { kind: "email", lacks: expect.stringMatching(/\[\[send_email\]\]/) as unknown },
    ]);
  });

  it("sends one mail for all that gathered, and rests until its interval is over", async () => {
    const made = await ask("POST", "/pipes", mails);
    expect(made.status, await made.clone().text()).toBe(201);
    const { id } = (await made.json<{ pipe: { id: string } }>()).pipe;
    await store(people(3));
    await pass();
    expect((await show(id)).health.delivered).toBe(3);
    await store(people(2));
    await pass();
    await store(people(2));
    await pass(30_000);
    expect(await show(id)).toMatchObject({ status: "running", health: { delivered: 3, behind: 4 } });
    expect(await requestsOf(id)).toBe(1);
    await pass(31_000);
    expect((await show(id)).health).toMatchObject({ delivered: 7, behind: 0 });
    expect(await requestsOf(id)).toBe(2);
  });

  it("sends one mail at a time, also where its batches are small and there is news of every sort", async () => {
    const settings = { ...mails.settings, interval_seconds: 3600 };
    const made = await ask("POST", "/pipes", { ...mails, settings, batch: 2 });
    const { id } = (await made.json<{ pipe: { id: string } }>()).pipe;
    await store(people(3), "spam"); // and three system events: their contacts are suppressed
    const counts: number[] = [];
    for (let hour = 0; hour < 5; hour++) {
      await pass(hour === 0 ? 0 : 3_601_000);
      counts.push((await show(id)).health.delivered);
    }
    expect(counts).toEqual([2, 3, 5, 6, 6]);
    expect(await requestsOf(id)).toBe(4);
  });

  it("mails nothing about those who get its mails, and so cannot mail about itself", async () => {
    const { id } = (await (await ask("POST", "/pipes", mails)).json<{ pipe: { id: string } }>()).pipe;
    const other = { ...mails, name: "others", settings: { ...mails.settings, to: ["boss@example.com"] } };
    expect((await ask("POST", "/pipes", other)).status).toBe(201);
    await store(["ops@example.com", "boss@example.com"]);
    await pass();
    expect((await show(id)).health).toMatchObject({ delivered: 0, skipped: 2, waiting: 0, behind: 0 });
    const listed = await ask("GET", `/attempts?pipe=${id}&outcome=skipped`);
    const { attempts } = await listed.json<{ attempts: { reason: string | null }[] }>();
    expect(attempts.map(({ reason }) => reason)).toEqual(["about an address that gets these mails itself"]);
  });
});

describe("a pipe that was paused", () => {
  it("by itself is told of when it runs again, once, to all others", async () => {
    expectLogs(/a pipe was paused/);
    await make("told", { filter: 'type.startsWith("pipe.")' });
    const id = await make("sick");
    receivers.set("sick", () => status(410));
    await store(people(1));
    await pass();
    expect((await show(id)).status).toBe("paused");
    receivers.clear();
    expect((await ask("POST", `/pipes/${id}/resume`)).status).toBe(200);
    expect((await ask("POST", `/pipes/${id}/resume`)).status).toBe(200);
    await pass();
    const told = (taken.get("told") ?? []).map(({ type, body }) => {
      const { data } = JSON.parse(body) as { data: { data: Record<string, unknown> } };
      return [type, data.data["pipe"], data.data["name"]];
    });
    expect(told).toEqual([
      ["pipe.paused", id, "sick"],
      ["pipe.resumed", id, "sick"],
    ]);
  });

  it("is no news if a person paused it and lets it run again", async () => {
    await make("told", { filter: 'type.startsWith("pipe.")' });
    const id = await make("rested");
    for (const action of ["pause", "resume"])
      expect((await ask("POST", `/pipes/${id}/${action}`)).status).toBe(200);
    await pass();
    expect(taken.get("told") ?? []).toEqual([]);
  });
});

describe("a pipe into a chat", () => {
  it("takes only the URL of a webhook, and keeps it to itself", async () => {
    const url = "https://discord.com/api/webhooks/1/secret-of-the-webhook";
    const wrong = await ask("POST", "/pipes", {
      name: "chat",
      kind: "discord",
      settings: { url: `${url}/slack` },
    });
    expect(wrong.status).toBe(400);
    expect(await wrong.text()).not.toContain("secret-of-the-webhook");
    const made = await ask("POST", "/pipes", { name: "chat", kind: "discord", settings: { url } });
    expect(made.status).toBe(201);
    const text = await made.text();
    expect(text).toContain('"secrets":["url"]');
    expect(text).not.toContain("secret-of-the-webhook");
    expect(JSON.stringify(await rows("SELECT * FROM pipes"))).not.toContain("secret-of-the-webhook");
  });
});

describe("a preview for people", () => {
  it("shows the message as it would be sent, without addresses and keys", async () => {
    const key = "0123456789abcdef0123456789abcdef";
    const of = async (kind: string, settings: object): Promise<string> => {
      const sample = { type: "bounced", bounce: "hard", contact: "ann@example.com" };
      const response = await ask("POST", "/pipes/preview", { kind, settings, sample });
      expect(response.status, await response.clone().text()).toBe(200);
      const { request } = await response.json<{ request: { url: string; body: string } }>();
      return `${request.url} ${request.body}`;
    };
    const incident = await of("pagerduty", { routing_key: key });
    expect(incident).toContain("https://events.pagerduty.com/v2/enqueue");
    expect(incident).toContain('"summary":"bounced (hard): a***@example.com"');
    const card = await of("teams", { url: `https://flows.example.com/invoke?sig=${key}` });
    expect(card).toContain('"type":"AdaptiveCard"');
    expect(incident + card).not.toMatch(/ann@|0123456789abcdef/);
  });
});
