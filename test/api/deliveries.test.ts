// /v1/deliveries/{id}: the id that a webhook's answer gives tells what became of the delivery.

import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DAY, MINUTE } from "../../src/lib/time.ts";
import { expectLogs } from "../support/log.ts";
import {
  askApi,
  capture,
  deliver,
  envWith,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  read,
  send,
} from "../support/support.ts";

interface Delivery {
  id: string;
  source: string;
  received_at: string;
  state: string;
  reported: number | null;
  stored: number;
  events: { id: string; type: string; contact: string }[];
  duplicates: number | null;
  pings: number | null;
  dead_letters: { id: string; reason: string }[];
}

beforeEach(freshStorage);
afterEach(() => void vi.useRealTimers());

/** Posts a body; returns the id of the answer, and the queue messages. */
async function post(body: unknown): Promise<{ id: string; bodies: Uint8Array[] }> {
  const { queue, bodies } = capture();
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const answer = await send(mailjetPost(text), envWith({ QUEUE: queue }));
  expect(answer.status).toBe(200);
  const [word, id = ""] = (await answer.text()).trim().split(" ");
  expect(word).toBe("accepted");
  return { id, bodies };
}

const ask = async (id: string): Promise<Delivery> => {
  const answer = await read(`/v1/deliveries/${id}`);
  expect(answer.status, await answer.clone().text()).toBe(200);
  return await answer.json<Delivery>();
};
const detailOf = async (id: string): Promise<string> => {
  const answer = await read(`/v1/deliveries/${id}`);
  expect(answer.status).toBe(404);
  return (await answer.json<{ detail: string }>()).detail;
};
const seconds = (n: number): number => 1_790_000_000 + n;

describe("a delivery", () => {
  it("is not known until it is stored, and then tells its events, repeats, pings and dead letters", async () => {
    const ping = { event: "open", time: 1_790_000_000, MessageID: 0, email: "" };
    const { id, bodies } = await post([
      mailjetEvent({ time: seconds(1) }),
      mailjetEvent({ time: seconds(2), email: "bob@example.com", event: "spam" }),
      mailjetEvent({ time: seconds(1) }),
      ping,
      "x",
    ]);
    expect(await detailOf(id)).toMatch(/^Nothing is known of this delivery yet\./);
    await deliver(bodies);
    const delivery = await ask(id);
    expect(delivery).toMatchObject({
      id,
      source: "mailjet",
      state: "done",
      reported: 3,
      stored: 2,
      duplicates: 1,
      pings: 1,
    });
    expect(delivery.events.map(({ type, contact }) => `${type} ${contact}`).toSorted()).toEqual([
      "complained bob@example.com",
      "opened ann@example.com",
    ]);
    for (const event of delivery.events) expect((await read(`/v1/events/${event.id}`)).status).toBe(200);
    expect(delivery.dead_letters).toHaveLength(1);
    const [letter] = delivery.dead_letters;
    expect((await read(`/v1/dead-letters/${letter?.id}`)).status).toBe(200);
    expect(Math.abs(Date.parse(delivery.received_at) - Date.now())).toBeLessThan(60_000);
  });

  it("is told apart from others of the same batch and of the same reports", async () => {
    const first = await post([mailjetEvent({ time: seconds(1) })]);
    const second = await post([mailjetEvent({ time: seconds(2) })]);
    const again = await post([mailjetEvent({ time: seconds(1) })]);
    const empty = await post([]);
    await deliver([first, second, again, empty].flatMap(({ bodies }) => bodies));
    const [one, two, three, none] = [
      await ask(first.id),
      await ask(second.id),
      await ask(again.id),
      await ask(empty.id),
    ];
    expect([one.stored, two.stored, three.stored]).toEqual([1, 1, 0]);
    expect(one.events).not.toEqual(two.events);
    expect(three).toMatchObject({ state: "done", reported: 1, duplicates: 1, events: [] });
    expect(none).toMatchObject({ state: "done", reported: 0, stored: 0, events: [], dead_letters: [] });
  });

  it("that is too long for the queue is waiting while only its body is archived", async () => {
    const events = Array.from({ length: 900 }, (_, i) =>
      mailjetEvent({
        time: seconds(i),
        CustomID: Array.from({ length: 12 }, () => crypto.randomUUID()).join(),
      }),
    );
    const { id, bodies } = await post(events);
    expect(bodies[0]?.length).toBeLessThan(2_000); // a pointer
    expect(await ask(id)).toMatchObject({ state: "waiting", reported: 900, stored: 0 });
    await deliver(bodies);
    expect(await ask(id)).toMatchObject({ state: "done", reported: 900, stored: 900 });
  });

  it("waits in the spool while the queue is down", async () => {
    const refuses = async (): Promise<never> => await Promise.reject(new Error("away"));
    expectLogs(/an envelope was not taken/);
    const answer = await send(
      mailjetPost(JSON.stringify([mailjetEvent()])),
      envWith({ QUEUE: { send: refuses, sendBatch: refuses } }),
    );
    const id = (await answer.text()).trim().split(" ")[1] ?? "";
    expect(await ask(id)).toMatchObject({ source: "mailjet", state: "waiting", reported: null, stored: 0 });
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + DAY });
    expect(await ask(id)).toMatchObject({ state: "waiting" });
  });

  it("tells a whole delivery that nobody could read as its dead letter", async () => {
    const { id, bodies } = await post("{");
    await deliver(bodies);
    expect(await ask(id)).toMatchObject({ state: "done", stored: 0, dead_letters: [{}] });
  });

  it("holds no erased contact, and what was reported of others stays", async () => {
    const { id, bodies } = await post([
      mailjetEvent({ time: seconds(1) }),
      mailjetEvent({ time: seconds(2), email: "bob@example.com" }),
    ]);
    await deliver(bodies);
    expect((await askApi("DELETE", "/v1/contacts/bob@example.com")).status).toBeLessThan(300);
    const delivery = await ask(id);
    expect(JSON.stringify(delivery)).not.toContain("bob@");
    expect(delivery).toMatchObject({ state: "done", reported: 1, stored: 1 });
  });

  it("is found by its counts if the archive no longer has it, and says so if nothing names it", async () => {
    const ping = { event: "open", time: 1_790_000_000, MessageID: 0, email: "" };
    const { id, bodies } = await post([ping]);
    const plain = await post([mailjetEvent({ time: seconds(1) })]);
    await deliver([...bodies, ...plain.bodies]);
    const { objects } = await env.BUCKET.list({ prefix: "archive/" });
    await env.BUCKET.delete(objects.map(({ key }) => key));
    expect(await ask(id)).toMatchObject({ state: "done", reported: null, pings: 1 });
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 20 * MINUTE });
    expect(await detailOf(plain.id)).toMatch(/^Nothing that is stored names this delivery\./);
    expect(await detailOf("nonsense")).toMatch(/^No delivery has such an id/);
    expect(await detailOf("7".repeat(26))).toMatch(/./);
  });

  it("of another source is hidden from tokens that are limited to some", async () => {
    const { id, bodies } = await post([mailjetEvent()]);
    await deliver(bodies);
    const asked = async (source: string): Promise<number> => {
      const API_TOKENS = JSON.stringify({ one: { token: "api-token", scopes: ["read"], sources: [source] } });
      const answer = await askApi("GET", `/v1/deliveries/${id}`, undefined, envWith({ API_TOKENS }));
      return answer.status;
    };
    expect([await asked("mailjet"), await asked("generic")]).toEqual([200, 404]);
  });
});
