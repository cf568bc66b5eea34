// The cost of storing events: rows written, exactly.

import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import type { Claim } from "../../src/contact/claims.ts";
import { deliver, envWith, freshStorage, mailjetEvent, mailjetPost, messagesOf } from "../support/support.ts";
import { countingDb } from "../support/counting-db.ts";

beforeEach(freshStorage);

describe("storing events", () => {
  it("writes exactly the expected rows for a known input, within the budget per event", async () => {
    const counting = countingDb({ sessions: false });
    let objectRows = 0;
    const contacts = {
      getByName: (name: string) => ({
        claim: async (claims: Claim[], elsewhere: string[]) => {
          const answer = await env.CONTACTS.getByName(name).claim(claims, elsewhere);
          objectRows += answer.written;
          return answer;
        },
      }),
    };
    // 60 POSTs of 50: 1,000 messages of three events each, told at three times, all contacts new.
    const kinds = ["sent", "open", "click"];
    const events = kinds.flatMap((event, stage) =>
      Array.from({ length: 1000 }, (_, i) =>
        mailjetEvent({
          event,
          time: 1_790_000_000 + stage * 60,
          MessageID: 7000 + i,
          email: `r${i}@${["gmail.com", "outlook.com", "example.com"][i % 3]}`,
          url: "https://example.com",
        }),
      ),
    );
    const posts = Array.from({ length: 60 }, (_, i) =>
      mailjetPost(JSON.stringify(events.slice(i * 50, i * 50 + 50))),
    );
    const messages = await messagesOf(...posts);
    for (let i = 0; i < 60; i += 20)
      await deliver(messages.slice(i, i + 20), envWith({ DB: counting.db, CONTACTS: contacts }));
    // 3,000 events, 1,000 messages; each of 3 slices writes a row of the feed with its index, the source, and the position of
    // counting; 3 x 3 destinations are kinds, each with its index, and rollups by time and by day; 3 campaigns and their
    // index. Uniques cost no row.
    expect(counting.written).toBe(3_000 + 1_000 + 3 * (2 + 1 + 1) + 2 * 3 * 3 + 2 * 3 * 3 + 3 + 3);
    expect(counting.written / 3_000).toBeLessThanOrEqual(1.5);
    // 1,000 contacts, all new, x 3 calls, and one alarm each.
    expect(objectRows).toBe(3_000 + 1_000);
    expect(objectRows / 3_000).toBeLessThanOrEqual(1.4);
    for (let i = 0; i < 60; i += 20)
      await deliver(messages.slice(i, i + 20), envWith({ DB: counting.db, CONTACTS: contacts }), {
        attempts: 2,
      });
    expect(counting.written - 4_054).toBe(0);
  });
});
