// The platform's dead-letter queue: its messages are kept whole as dead letters, and can be replayed.

import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import {
  capture,
  DEAD_QUEUE,
  deliver,
  envWith,
  figure,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  objects,
  rows,
} from "../support/support.ts";
import { expectLogs } from "../support/log.ts";

beforeEach(() => expectLogs());
beforeEach(freshStorage);

describe("a message from the platform's dead-letter queue", () => {
  it("becomes one whole dead letter, can be replayed, and is deleted after a successful replay", async () => {
    const messages = await messagesOf(mailjetPost(JSON.stringify([mailjetEvent(), "bad"])));
    await deliver(messages, envWith(), { queue: DEAD_QUEUE, attempts: 1 });
    const [letter] = await rows<{ id: string }>("SELECT id FROM dead_letters");
    const { queue, bodies } = capture();
    const { send } = await import("../support/support.ts");
    const request = new Request(`https://edge.example/v1/dead-letters/${letter?.id}/replay`, {
      method: "POST",
      headers: { authorization: "Bearer api-token" },
    });
    expect((await send(request, envWith({ QUEUE: queue }))).status).toBe(202);
    await deliver(bodies);
    expect(await figure("SELECT count(*) AS n FROM events")).toBe(1);
    expect(await rows("SELECT raw FROM dead_letters")).toEqual([{ raw: '"bad"' }]);
    await deliver(bodies, envWith(), { attempts: 2 });
    expect(await figure("SELECT sum(n) AS n FROM rollups")).toBe(1);
  });

  it("is retried and then put back into the spool while the database is down, so that nothing is lost", async () => {
    const quiet = vi.spyOn(console, "error").mockImplementation(() => {});
    const messages = await messagesOf(mailjetPost(JSON.stringify([mailjetEvent()])));
    const down = envWith({
      DB: {
        batch: async () => await Promise.reject(new Error("down")),
        prepare: (sql: string) => env.DB.prepare(sql),
      },
    });
    expect(await deliver(messages, down, { queue: DEAD_QUEUE, attempts: 3 })).toEqual({
      acked: [],
      retried: [0],
    });
    expect(await deliver(messages, down, { queue: DEAD_QUEUE, attempts: 20 })).toEqual({
      acked: [0],
      retried: [],
    });
    expect(await objects("spool/")).toHaveLength(1);
    quiet.mockRestore();
  });
});
