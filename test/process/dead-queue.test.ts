// The platform's dead-letter queue: its messages are kept whole as dead letters, and can be replayed.

import { beforeEach, describe, expect, it } from "vitest";
import { withoutDatabase } from "../support/faults.ts";
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
  replay,
  rows,
} from "../support/support.ts";
import { expectLogs } from "../support/log.ts";

beforeEach(freshStorage);

describe("a message from the platform's dead-letter queue", () => {
  it("becomes one whole dead letter, can be replayed, and is deleted after a successful replay", async () => {
    const messages = await messagesOf(mailjetPost(JSON.stringify([mailjetEvent(), "bad"])));
    await deliver(messages, envWith(), { queue: DEAD_QUEUE, attempts: 1 });
    const [letter] = await rows<{ id: string }>("SELECT id FROM dead_letters");
    const { queue, bodies } = capture();
    expect((await replay(letter?.id, queue)).status).toBe(202);
    await deliver(bodies);
    expect(await figure("SELECT count(*) AS n FROM events")).toBe(1);
    expect(await rows("SELECT raw FROM dead_letters")).toEqual([{ raw: '"bad"' }]);
    await deliver(bodies, envWith(), { attempts: 2 });
    expect(await figure("SELECT sum(n) AS n FROM rollups")).toBe(1);
  });

  it("is retried and then put back into the spool while the database is down, so that nothing is lost", async () => {
    expectLogs(/a dead letter could not be kept[^]*it went away/);
    const messages = await messagesOf(mailjetPost(JSON.stringify([mailjetEvent()])));
    const down = withoutDatabase(envWith());
    expect(await deliver(messages, down, { queue: DEAD_QUEUE, attempts: 3 })).toEqual({
      acked: [],
      retried: [0],
    });
    expect(await deliver(messages, down, { queue: DEAD_QUEUE, attempts: 20 })).toEqual({
      acked: [0],
      retried: [],
    });
    expect(await objects("spool/")).toHaveLength(1);
  });
});
