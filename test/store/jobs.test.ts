// The stored outcomes of the scheduled jobs: true to within JOB_GRAIN, and seldom written.

import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { healthOf } from "../../src/jobs/health.ts";
import type { Job } from "../../src/jobs/job.ts";
import { JOB_GRAIN, noteJobRun, readJobs, type JobRecord } from "../../src/store/jobs.ts";

const MINUTE = 60_000;

/** Expects a stored time to be that of the run, or of a run with the same outcome shortly before. */
function expectNear(kept: number | null | undefined, real: number | null): void {
  const behind = real === null ? 0 : real - (kept ?? 0);
  expect([kept === null, behind >= 0, behind < JOB_GRAIN]).toEqual([real === null, true, true]);
}

it("stores the last success and failure of a job to within ten minutes, and every change at once", async () => {
  let number = 0;
  const step = fc.record({
    after: fc.integer({ min: 1, max: 12 }),
    reason: fc.constantFrom(null, null, "down", "slow"),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
      const name = `job-${number++}`;
      let at = 1_800_000_000_000;
      let succeeded: number | null = null;
      let failed: number | null = null;
      let since: number | null = null;
      let [changes, before] = [0, undefined as string | null | undefined];
      let written = 0;
      for (const { after, reason } of steps) {
        at += after * MINUTE;
        if (reason === null) [succeeded, since] = [at, null];
        else [failed, since] = [at, since ?? at];
        if (reason !== before) changes += 1;
        before = reason;
        written += await noteJobRun(env.DB, { name, at, took: after, reason });
        const record = (await readJobs(env.DB)).jobs.get(name);
        expect(record?.failing_since).toBe(since);
        if (reason !== null) expect(record?.reason).toBe(reason);
        expectNear(record?.succeeded_at, succeeded);
        expectNear(record?.failed_at, failed);
      }
      const minutes = steps.reduce((sum, { after }) => sum + after, 0);
      expect(written).toBeLessThanOrEqual(changes + minutes / 10 + 1);
    }),
    { numRuns: 40 },
  );
});

it("reports a problem of a job once it has not succeeded for longer than its patience, and never before", () => {
  const job: Job = {
    name: "a",
    does: "Works.",
    deadline: 1,
    patience: 15 * MINUTE,
    run: async () => await Promise.resolve(undefined),
  };
  const none: JobRecord = {
    name: "a",
    since: 0,
    succeeded_at: null,
    success_ms: null,
    failing_since: null,
    failed_at: null,
    failure_ms: null,
    reason: null,
  };
  const problem = (record: Partial<JobRecord> | null, since: number | null, now: number): string | null => {
    const jobs = new Map(record === null ? [] : [["a", { ...none, ...record }]]);
    return healthOf([job], { since, jobs }, now)[0]?.problem ?? null;
  };
  expect(problem(null, null, 1e12)).toBeNull();
  expect(problem(null, 0, 15 * MINUTE)).toBeNull();
  expect(problem(null, 0, 16 * MINUTE)).toBe("has not succeeded yet, in 16 minutes");
  expect(problem({ failing_since: 0, failed_at: 0, reason: "x" }, 0, 16 * MINUTE)).toBe(
    "has not succeeded yet, in 16 minutes",
  );
  expect(problem({ succeeded_at: 10 * MINUTE, failing_since: 11 * MINUTE }, 0, 25 * MINUTE)).toBeNull();
  expect(problem({ succeeded_at: 10 * MINUTE }, 0, 40 * MINUTE)).toBe("has not succeeded for 30 minutes");
});
