// A delivery that is claimed as one parser reads it and stored as a corrected parser reads it.

import * as fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { DATABASE_FAULT, withoutDatabase } from "../support/faults.ts";
import { deliver, freshStorage, messagesOf, rows } from "../support/support.ts";
import { fillHistory, jangoPost, outcome, report, walk, withNames } from "./misread.ts";
import { expectLogs } from "../support/log.ts";

beforeEach(() => expectLogs(DATABASE_FAULT));
beforeEach(async () => {
  await freshStorage();
  await fillHistory();
});

describe("a delivery that was claimed before its parser was corrected and is stored afterwards", () => {
  it("counts once for its contacts, as the corrected parser reads it", async () => {
    // Without the others there would be no event but a dead letter, which stays until it is replayed.
    const names = ["message_id", "bounce", "campaign", "tags", "custom_id", "url"] as const;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.array(report, { minLength: 1, maxLength: 6 }), fc.boolean()), {
          minLength: 1,
          maxLength: 4,
        }),
        fc.uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        fc.boolean(),
        async (deliveries, wrong, took, early) => {
          await freshStorage();
          let half = 0;
          const bodies = deliveries.map(([elements]) =>
            JSON.stringify(
              elements.map((element) => ({ ...element, when: 1_790_000_000 + 40_000 * half++ })),
            ),
          );
          const messages = await messagesOf(...bodies.map(jangoPost));
          const stays = (_: unknown, i: number): boolean => deliveries[i]?.[1] === true;
          // A database that answered no more leaves rows of the first reading, which reading anew then mends.
          await deliver(messages.filter(stays), withoutDatabase(withNames(wrong), took ? "after" : "before"));
          // Such rows may also be mended first, and then their own delivery is no repeat of them.
          if (took && early) await walk({ apply: true }, withNames([]));
          await deliver(messages, withNames([]));
          if (took) await walk({ apply: true }, withNames([]));
          const corrected = await outcome();
          await freshStorage();
          await deliver(messages, withNames([]));
          expect(corrected).toEqual(await outcome());
        },
      ),
      { numRuns: 30 },
    );
  });

  it("counts once also if a contact's events are stored in several slices", async () => {
    await freshStorage();
    const bodies = Array.from({ length: 2 }, (_, n) =>
      JSON.stringify(
        Array.from({ length: 700 }, (__, i) => ({
          who: "p1@example.com",
          what: n === 1 && i % 300 > 290 ? "bounce" : "block",
          class: "soft",
          mail: `m${n}-${i}`,
          target: "https://example.com/1",
          when: 1_790_000_000 + n * 1_000_000 + i * 1_000,
        })),
      ),
    );
    const messages = await messagesOf(...bodies.map(jangoPost));
    await deliver(messages, withoutDatabase(withNames(["message_id"])));
    await deliver(messages, withNames([]));
    // Three soft bounces on two days: the first day's in one part, the second day's in the next.
    expect(await rows("SELECT contact, reason FROM suppressions")).toEqual([
      { contact: "p1@example.com", reason: "soft_bounces" },
    ]);
    const corrected = await outcome();
    await freshStorage();
    await deliver(messages, withNames([]));
    expect(corrected).toEqual(await outcome());
  });
});
