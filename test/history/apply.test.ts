// Applying the differences that parsing the archive again finds, also after a failure half-way.

import * as fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { deliver, freshStorage, messagesOf } from "../support/support.ts";
import {
  NAMES,
  ask,
  fillHistory,
  jangoPost,
  outcome,
  report,
  type Field,
  walk,
  withNames,
} from "./misread.ts";
import { expectLogs } from "../support/log.ts";

/** Bindings whose `nth` call of the database's batch or of a contact fails: before it takes effect, or after. */
function failingAt(bindings: Env, nth: number, state: { calls: number; failed: boolean }): Env {
  const call = async <T>(work: () => Promise<T>): Promise<T> => {
    const now = state.calls++;
    if (now !== nth >> 1) return await work();
    state.failed = true;
    if (nth % 2 === 1) await work();
    throw new Error("D1_ERROR: it went away");
  };
  const DB = {
    prepare: (sql: string) => bindings.DB.prepare(sql),
    batch: async (statements: D1PreparedStatement[]) =>
      await call(async () => await bindings.DB.batch(statements)),
    withSession: () => DB,
    getBookmark: () => null,
  };
  const CONTACTS = {
    getByName: (name: string) => ({
      correct: async (correction: never) =>
        await call(async () => await bindings.CONTACTS.getByName(name).correct(correction)),
    }),
  };
  return { ...bindings, DB, CONTACTS } as unknown as Env;
}

beforeEach(() => expectLogs());
beforeEach(async () => {
  await freshStorage();
  await fillHistory();
});

describe("parsing the archive again with apply", () => {
  it("gives the same state as the corrected parser would have given from the start, and a second run changes nothing", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(report, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 4 }),
        fc.uniqueArray(fc.constantFrom(...(Object.keys(NAMES) as Field[])), { minLength: 1, maxLength: 3 }),
        async (deliveries, wrong) => {
          await freshStorage();
          let minute = 0;
          const bodies = deliveries.map((elements) =>
            JSON.stringify(
              elements.map((element) => ({
                ...element,
                mine: `c-${element.mail}`,
                when: 1_790_000_000 + 40_000 * minute++,
              })),
            ),
          );
          const messages = await messagesOf(...bodies.map(jangoPost));
          for (const message of messages) await deliver([message], withNames(wrong));
          await walk({ apply: true }, withNames([]));
          const mended = await outcome();
          expect(await walk({ apply: true }, withNames([]))).toMatchObject({
            changed: 0,
            appeared: 0,
            vanished: 0,
          });
          expect(await outcome()).toEqual(mended);
          await freshStorage();
          for (const message of messages) await deliver([message], withNames([]));
          expect(mended).toEqual(await outcome());
        },
      ),
      { numRuns: 20 },
    );
  });

  it("is completed by a second request after any call failed half-way", async () => {
    const bodies = [0, 1, 2].map((n) =>
      JSON.stringify(
        ["bounce", "open", "unsubscribe", "click"].map((what, i) => ({
          who: `p${n}@example.com`,
          what,
          mail: `m${n}`,
          class: "hard",
          job: "a",
          label: "x",
          mine: "c",
          when: 1_790_000_000 + 100 * n + 10 * i,
        })),
      ),
    );
    const messages = await messagesOf(...bodies.map(jangoPost));
    const run = async (broken: (env: Env) => Env): Promise<unknown> => {
      await freshStorage();
      await deliver(messages, withNames(["message_id", "bounce", "campaign"]));
      await ask({ apply: true }, broken(withNames([])));
      await walk({ apply: true }, withNames([]));
      return await outcome();
    };
    const wanted = await run((env) => env);
    let failures = 0;
    for (let nth = 0; nth < 40; nth++) {
      const state = { calls: 0, failed: false };
      expect(await run((env) => failingAt(env, nth, state)), `call ${nth}`).toEqual(wanted);
      failures += state.failed ? 1 : 0;
      if (!state.failed) break;
    }
    expect(failures).toBeGreaterThan(6);
  });
});
