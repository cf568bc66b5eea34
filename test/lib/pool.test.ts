// The pool: every item once, never more tasks in progress than allowed, and none begun after a failure or the deadline.

import fc from "fast-check";
import { expect, it } from "vitest";
import { isOutage } from "../../src/lib/outage.ts";
import { inPool } from "../../src/lib/pool.ts";

/** Lets everything that is ready run. */
const turn = async () => await new Promise((resolve) => setTimeout(resolve, 0));

/** Tasks that end only when `end` is called with their item. */
function heldTasks() {
  const held = new Map<number, PromiseWithResolvers<void>>();
  const begun: number[] = [];
  return {
    begun,
    inProgress: () => [...held.keys()],
    work: async (item: number) => {
      begun.push(item);
      const own = Promise.withResolvers<void>();
      held.set(item, own);
      await own.promise;
    },
    end(item: number, error?: Error) {
      const own = held.get(item);
      held.delete(item);
      if (error === undefined) own?.resolve();
      else own?.reject(error);
    },
  };
}

const caught = async (work: Promise<void>): Promise<unknown> =>
  await work.then(
    () => null,
    (error: unknown) => error,
  );

it("works through every item once, in order, with as many in progress as allowed", async () => {
  const length = fc.integer({ min: 0, max: 20 });
  await fc.assert(
    fc.asyncProperty(
      length,
      fc.integer({ min: 1, max: 6 }),
      fc.infiniteStream(fc.nat()),
      async (n, atOnce, picks) => {
        const items = Array.from({ length: n }, (_, index) => index);
        const tasks = heldTasks();
        const done = inPool(items, { atOnce }, tasks.work);
        for (let left = n; left > 0; left -= 1) {
          const running = tasks.inProgress();
          expect(running).toHaveLength(Math.min(atOnce, left));
          tasks.end(running[(picks.next().value ?? 0) % running.length] ?? -1);
          await turn();
        }
        await done;
        expect(tasks.begun).toEqual(items);
      },
    ),
    { numRuns: 25 },
  );
});

it("rejects with the first failure and begins nothing after it", async () => {
  const tasks = heldTasks();
  const done = caught(inPool([0, 1, 2, 3, 4], { atOnce: 2 }, tasks.work));
  const failure = new Error("the second fails");
  tasks.end(1, failure);
  expect(await done).toBe(failure);
  tasks.end(0);
  await turn();
  expect(tasks.begun).toEqual([0, 1]);
});

it("rejects with an outage when the deadline passes, and begins nothing after it", async () => {
  const tasks = heldTasks();
  const error = await caught(
    inPool([0, 1, 2], { atOnce: 1, deadline: { ms: 5, of: "the contacts" } }, tasks.work),
  );
  expect(isOutage(error) && error.outage).toBe("the contacts");
  tasks.end(0);
  await turn();
  expect(tasks.begun).toEqual([0]);
});

it("begins nothing after a task that throws before it waits", async () => {
  const begun: number[] = [];
  const done = inPool([0, 1, 2, 3], { atOnce: 1 }, (item) => {
    begun.push(item);
    throw new Error("at once");
  });
  await expect(done).rejects.toThrow("at once");
  expect(begun).toEqual([0]);
});
