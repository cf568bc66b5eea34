// A database that was lost: /healthz tells it by the archive, and reading the archive anew brings back events, counters
// and everybody who must not be mailed.

import { reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createSchema, dropSchema } from "../support/database.ts";
import {
  askApi,
  deliver,
  envWith,
  finalState,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  read,
  send,
} from "../support/support.ts";
import { walk } from "./misread.ts";

const MINUTE = 60_000;

beforeEach(async () => {
  await freshStorage();
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
});
afterEach(() => void vi.useRealTimers());

const at = (hours: number): number => Math.floor(Date.now() / 1000) - 3 * 86_400 + hours * 3_600;

async function fill(): Promise<void> {
  await deliver(
    await messagesOf(
      mailjetPost(
        JSON.stringify([
          mailjetEvent({ event: "unsub", email: "unsubscribed@example.com", MessageID: 1, time: at(1) }),
          mailjetEvent({ event: "spam", email: "complained@example.com", MessageID: 2, time: at(2) }),
          mailjetEvent({
            event: "bounce",
            hard_bounce: true,
            email: "bounced@example.com",
            MessageID: 3,
            time: at(3),
          }),
          mailjetEvent({ email: "fine@example.com", MessageID: 4, time: at(4), customcampaign: "spring" }),
        ]),
      ),
      mailjetPost(
        JSON.stringify(
          [5, 30, 60].map((hours) =>
            mailjetEvent({
              event: "bounce",
              hard_bounce: false,
              email: "soft@example.com",
              MessageID: hours,
              time: at(hours),
            }),
          ),
        ),
      ),
    ),
  );
}

/** An empty database with all migrations. Objects and bucket stay. */
async function loseDatabase(): Promise<void> {
  await dropSchema();
  await createSchema();
}

/** Only the archive is left. */
async function loseAllButArchive(): Promise<void> {
  const { objects } = await env.BUCKET.list({ prefix: "archive/" });
  const kept = await Promise.all(
    objects.map(async ({ key }) => ({ key, bytes: await (await env.BUCKET.get(key))?.arrayBuffer() })),
  );
  await reset();
  await createSchema();
  for (const { key, bytes } of kept) await env.BUCKET.put(key, bytes ?? new ArrayBuffer(0));
}

const database = async (): Promise<string> => {
  vi.setSystemTime(Date.now() + MINUTE); // the answer is kept for seconds
  const response = await send(new Request("https://edge.example/healthz"), envWith());
  return (await response.json<{ database: string }>()).database;
};

for (const [what, lose] of [
  ["the database", loseDatabase],
  ["everything but the archive", loseAllButArchive],
] as const)
  it(`after the loss of ${what}, reading history anew suppresses the same people as before`, async () => {
    await fill();
    const before = await finalState();
    expect(before["contacts"]).toHaveLength(4);
    await lose();
    const checked = async (): Promise<boolean[]> => {
      const addresses = ["unsubscribed", "complained", "bounced", "soft", "fine"].map(
        (name) => `${name}@example.com`,
      );
      const answer = await askApi("POST", "/v1/suppressions/check", { addresses });
      const { addresses: told } = await answer.json<{ addresses: { suppressed: boolean }[] }>();
      return told.map(({ suppressed }) => suppressed);
    };
    expect(await checked()).toEqual([false, false, false, false, false]);
    expect(await walk({ apply: true })).toMatchObject({ appeared: 7 });
    expect(await checked()).toEqual([true, true, true, true, false]);
    expect(await finalState()).toEqual(before);
    expect(await walk({ apply: true })).toMatchObject({ appeared: 0, changed: 0, vanished: 0 });
  });

it("/healthz tells an empty database beside an archive, but not a new one, nor one whose data were removed", async () => {
  expect(await database()).toBe("ok");
  await fill();
  expect(await database()).toBe("ok");
  await loseDatabase();
  expect(await database(), "deliveries of the last minutes may be on their way").toBe("ok");
  vi.setSystemTime(Date.now() + 20 * MINUTE);
  expect(await database()).toBe("empty");
  await walk({ apply: true });
  expect(await database()).toBe("ok");
  await askApi("DELETE", "/v1/sources/mailjet/data?confirm=mailjet");
  expect((await (await read("/v1/events")).json<{ events: unknown[] }>()).events).toEqual([]);
  expect(await database()).toBe("ok");
});
