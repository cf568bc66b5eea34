// Pipes after a rebuild: they come back without their secrets, pass on what came since, and do not send years again.

import { expectLogs } from "../support/log.ts";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import {
  askApi,
  deliver,
  envWith,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  messagesOf,
} from "../support/support.ts";
import { answer, ask, loseDatabase, rebuild } from "./losing.ts";

const MINUTE = 60_000;

beforeEach(async () => {
  await freshStorage();
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
});
afterEach(() => void vi.useRealTimers());

interface Pipe {
  id: string;
  name: string;
  paused: { reason: string } | string | null;
  filter: string | null;
}

const pipes = async (): Promise<Pipe[]> => ((await answer("/v1/pipes")) as { pipes: Pipe[] }).pipes;

/** Makes a pipe; returns its id. */
const make = async (name: string, filter: string | null = null): Promise<string> => {
  const settings = { url: "https://receiver.example/hook" };
  const made = await askApi("POST", "/v1/pipes", {
    name,
    kind: "webhook",
    settings,
    ...(filter === null ? {} : { filter }),
  });
  expect(made.status, await made.clone().text()).toBe(201);
  vi.setSystemTime(Date.now() + 1);
  return (await pipes()).find((pipe) => pipe.name === name)?.id ?? "";
};

const store = async (...types: string[]): Promise<void> => {
  const events = types.map((event, i) =>
    mailjetEvent({ event, email: `p${i}@example.com`, MessageID: i + 1 }),
  );
  await deliver(await messagesOf(mailjetPost(JSON.stringify(events))));
};

it("come back under their names, paused until their secrets are passed, with a condition on old events", async () => {
  await make("crm", 'type == "bounced"');
  const gone = await make("gone");
  const id = await make("later");
  const renamed = await askApi("PATCH", `/v1/pipes/${id}`, { name: "renamed" });
  expect(renamed.status, await renamed.clone().text()).toBe(200);
  expect((await askApi("DELETE", `/v1/pipes/${gone}`)).status).toBe(204);
  await store("sent", "bounce");
  await loseDatabase();
  expect(await rebuild()).toMatchObject({ restored: { pipes: 2 } });
  const restored = await pipes();
  expect(restored.map(({ name }) => name)).toEqual(["crm", "renamed"]);
  for (const { paused } of restored) expect(JSON.stringify(paused)).toContain("restored without its secrets");
  expect(restored[0]?.filter).toMatch(/^!\(received_at < timestamp\("[^"]+"\)\) && \(type == "bounced"\)$/);
  expect(JSON.stringify(await answer("/v1/pipes"))).not.toContain("whsec");
});

it("would pass on what came meanwhile, and nothing of before", async () => {
  vi.setSystemTime(Date.now() - 90 * MINUTE);
  await make("crm");
  await store("sent", "open", "click");
  vi.setSystemTime(Date.now() + 80 * MINUTE);
  await loseDatabase();
  await store("spam");
  await rebuild();
  const [pipe] = await pipes();
  const { events } = (await answer("/v1/events")) as { events: { type: string; received_at: string }[] };
  const from = Date.parse(/timestamp\("([^"]+)"\)/.exec(pipe?.filter ?? "")?.[1] ?? "");
  expect(events).toHaveLength(4);
  expect(events.filter(({ received_at }) => Date.parse(received_at) >= from).map(({ type }) => type)).toEqual(
    ["complained"],
  );
});

it("409: a rebuild does not begin while a pipe runs, which would pass on what is restored", async () => {
  await make("crm");
  const refused = await ask();
  expect(refused.status).toBe(409);
  expect((await refused.json<{ detail: string }>()).detail).toContain("crm");
  const [pipe] = await pipes();
  await askApi("POST", `/v1/pipes/${pipe?.id}/pause`);
  expect((await ask()).status).toBe(200);
  expect(await pipes()).toHaveLength(1);
});

it("503: without the bucket nothing is acknowledged that a rebuild would lack", async () => {
  const failing = envWith({
    BUCKET: new Proxy(envWith().BUCKET, {
      get: (bucket, name) =>
        name === "put"
          ? () => Promise.reject(new Error("R2 is away"))
          : Reflect.get(bucket, name, bucket).bind?.(bucket),
    }),
  });
  const path = "/v1/suppressions/ann%40example.com";
  expectLogs(/a request met an outage/);
  expect((await askApi("PUT", path, {}, failing)).status).toBeGreaterThanOrEqual(500);
  expect((await askApi("PUT", path, {})).status).toBeLessThan(300);
  await loseDatabase();
  await rebuild();
  expect(await answer(path)).toMatchObject({ suppressed: true });
});
