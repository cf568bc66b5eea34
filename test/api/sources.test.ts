// /v1/sources: when each source last delivered, and its counts.

import { describe, expect, it } from "vitest";
import { deliver, freshStorage, mailjetEvent, mailjetPost, messagesOf, read } from "../support/support.ts";

describe("sources", () => {
  it("are listed with the times of their last delivery, event and ping, and with exact counts", async () => {
    await freshStorage();
    const test = { event: "open", time: 1_790_000_000, MessageID: 0, email: "" };
    await deliver(
      await messagesOf(mailjetPost(JSON.stringify([mailjetEvent(), "x"])), mailjetPost(JSON.stringify(test))),
    );
    await deliver(await messagesOf(mailjetPost(JSON.stringify([mailjetEvent()]))));
    const { sources } = await (await read("/v1/sources")).json<{ sources: Record<string, unknown>[] }>();
    expect(sources).toHaveLength(1);
    expect(sources[0]).toMatchObject({
      source: "mailjet",
      events: 1,
      duplicates: 1,
      pings: 1,
      outside: 0,
      dead_letters: 1,
    });
    for (const field of ["last_received_at", "last_event_at", "last_ping_at"]) {
      expect(Date.now() - Date.parse(String(sources[0]?.[field]))).toBeLessThan(60_000);
    }
  });
});
