// The same reports end in the same state, however many databases there are.

import fc from "fast-check";
import { beforeEach, expect, it } from "vitest";
import {
  finalState,
  deliver,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  messagesOf,
} from "../support/support.ts";
import { contactsIn, newIsolate, SHARDS, untouched } from "./support.ts";

const DAY = 86_400;

beforeEach(freshStorage);

/** Reports of some twenty contacts: opens, several bounces each, unsubscribes and complaints, over some days. */
const event = fc
  .record({
    event: fc.constantFrom("sent", "open", "click", "bounce", "spam", "unsub", "blocked"),
    who: fc.nat(19),
    day: fc.nat(4),
    mail: fc.nat(40),
    hard_bounce: fc.boolean(),
    mj_campaign_id: fc.nat(2),
  })
  .map(({ who, day, mail, ...fields }) =>
    mailjetEvent({
      ...fields,
      email: `p${who}@${who % 3 === 0 ? "gmail.com" : "example.com"}`,
      time: 1_790_000_000 + day * DAY + mail,
      MessageID: 1 + mail + 100 * who,
      url: "https://example.com/",
    }),
  );
const delivery = fc.array(
  fc.oneof({ weight: 20, arbitrary: event }, { weight: 1, arbitrary: fc.constant("no event") }),
  {
    minLength: 1,
    maxLength: 25,
  },
);

it("is the same in three databases as in one, whatever is reported, repeats and rejects included", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(delivery, { minLength: 1, maxLength: 5 }), async (deliveries) => {
      await freshStorage();
      const posts = deliveries.map((events) => mailjetPost(JSON.stringify(events)));
      const messages = await messagesOf(...posts);
      const all = [...messages, ...messages.slice(0, 1)];
      expect((await deliver(all, newIsolate())).acked).toHaveLength(all.length);
      const several = await finalState();
      if (Array.isArray(several["events"]) && several["events"].length > 40)
        expect((await contactsIn(SHARDS - 1)).length).toBeGreaterThan(0);
      await freshStorage();
      await untouched();
      const one = newIsolate({ STORAGE: { shards: 1 } });
      expect((await deliver(all, one)).acked).toHaveLength(all.length);
      expect(several).toEqual(await finalState());
      expect(await contactsIn(SHARDS - 1)).toEqual([]);
    }),
    { numRuns: 12 },
  );
}, 600_000);
