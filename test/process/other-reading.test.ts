// Repeats are counted once, however a delivery was read before its source's settings were corrected.

import { beforeEach, expect, it } from "vitest";
import { jangoPost, walk, withNames } from "../history/misread.ts";
import { withoutDatabase } from "../support/faults.ts";
import { deliver, figure, freshStorage, messagesOf, rows } from "../support/support.ts";
import { expectLogs } from "../support/log.ts";

beforeEach(() => expectLogs(/could not be processed[^]*it went away/));

beforeEach(freshStorage);

const REPORT = JSON.stringify([{ who: "ann@example.com", what: "sent", mail: "m1", when: 1_790_000_000 }]);
const WRONG = withNames(["message_id"]);
const RIGHT = withNames([]);

/** Two deliveries of one report, as the queue holds them. */
const twoDeliveries = async (): Promise<Uint8Array[]> =>
  await messagesOf(jangoPost(REPORT), jangoPost(REPORT));

const duplicates = async (): Promise<number> =>
  await figure("SELECT duplicates AS n FROM sources WHERE source = 'jangomail'");

/** An archive that stores nothing, so that the run ends after its claims. */
function unarchived(bindings: Env): Env {
  const put = async (): Promise<never> => await Promise.reject(new Error("R2: it went away"));
  const get = async (): Promise<null> => null;
  return { ...bindings, BUCKET: { put, get } as unknown as R2Bucket };
}

it("does not count a delivery as a repeat of its own row, which the former parser stored", async () => {
  const [first = new Uint8Array(), second = new Uint8Array()] = await twoDeliveries();
  expect((await deliver([first], withoutDatabase(WRONG, "after"))).retried).toEqual([0]);
  await deliver([second], RIGHT, { firstId: 1 });
  await deliver([first], RIGHT);
  expect(await rows("SELECT message_id FROM events ORDER BY seq")).toEqual([
    { message_id: null },
    { message_id: "m1" },
  ]);
  expect(await duplicates()).toBe(0);
});

it("counts a delivery as one repeat if the former parser stored no row of it", async () => {
  const [first = new Uint8Array(), second = new Uint8Array()] = await twoDeliveries();
  await deliver([first], withoutDatabase(WRONG));
  await deliver([second], RIGHT, { firstId: 1 });
  await deliver([first], RIGHT);
  await deliver([first], RIGHT);
  expect(await rows("SELECT message_id FROM events")).toEqual([{ message_id: "m1" }]);
  expect(await duplicates()).toBe(1);
});

it("takes a repeat back out of the count if parsing the archive again makes it an event", async () => {
  const [first = new Uint8Array(), second = new Uint8Array()] = await twoDeliveries();
  await deliver([first], unarchived(WRONG));
  await deliver([second], WRONG, { firstId: 1 });
  expect(await duplicates()).toBe(1);
  expect(await walk({ apply: true }, RIGHT)).toMatchObject({ appeared: 1 });
  expect(await duplicates()).toBe(0);
  await deliver([first], RIGHT);
  expect(await rows("SELECT message_id FROM events")).toEqual([{ message_id: "m1" }]);
  expect(await duplicates()).toBe(1);
});
