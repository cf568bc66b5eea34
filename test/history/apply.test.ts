// Applying the differences that parsing the archive again finds, also after a failure half-way.

import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { FAULT, faulty, type Fault } from "../support/faults.ts";
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
    const run = async (bindings: Env): Promise<unknown> => {
      await freshStorage();
      await deliver(messages, withNames(["message_id", "bounce", "campaign"]));
      await ask({ apply: true }, bindings);
      await walk({ apply: true }, withNames([]));
      return await outcome();
    };
    expectLogs(FAULT);
    // Without the calls of the bucket: this run only reads from it, and reads every object of the archive.
    const failingAt = (k: number, fault: Fault): ReturnType<typeof faulty> => {
      const broken = faulty(withNames([]), k, fault);
      return { ...broken, bindings: { ...broken.bindings, BUCKET: env.BUCKET } };
    };
    const counting = failingAt(0, "before");
    const wanted = await run(counting.bindings);
    const calls = counting.calls();
    expect(calls).toBeGreaterThan(3);
    for (let k = 1; k <= calls; k++)
      for (const fault of ["before", "after"] as const)
        expect(await run(failingAt(k, fault).bindings), `call ${k} ${fault}`).toEqual(wanted);
  });
});
