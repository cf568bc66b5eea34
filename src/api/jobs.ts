// /v1/jobs: the scheduled jobs, and how their last runs ended.

import * as z from "zod";
import { healthOf, type JobHealth } from "../jobs/health.ts";
import { JOBS } from "../jobs/index.ts";
import { readJobs } from "../store/jobs.ts";
import { json, needs, problems } from "./kit/responses.ts";
import { createRoute, router } from "./kit/routes.ts";
import { time } from "./schemas.ts";
import { iso, isoOrNull } from "./views.ts";

const took_ms = z.int().describe("How long the run took");

const Job = z
  .object({
    name: z.string().meta({ examples: ["retention"] }),
    description: z.string(),
    deadline_ms: z.int().describe("A run that takes longer counts as failed"),
    last_success: z
      .object({ at: time, took_ms })
      .nullable()
      .describe("May be up to ten minutes out of date; null if there was none"),
    last_failure: z
      .object({ at: time, took_ms, reason: z.string() })
      .nullable()
      .describe(
        "While it keeps failing for the same reason, up to ten minutes out of date; null if there was none",
      ),
    failing_since: time
      .nullable()
      .describe("The first failure since its last success; null while it succeeds"),
    problem: z.string().nullable().describe("Set if it has not succeeded for too long"),
  })
  .meta({ id: "Job" });

/** The route of /v1/jobs. */
export const jobs = router();

const listing = createRoute({
  ...needs("read"),
  method: "get",
  path: "/",
  tags: ["Jobs"],
  summary: "The scheduled jobs, with the last success and failure of each",
  responses: { 200: json("The jobs", z.object({ jobs: z.array(Job), next: z.null() })), ...problems() },
});

jobs.openapi(listing, async (c) => {
  const health = healthOf(JOBS, await readJobs(c.var.db), Date.now());
  return c.json({ jobs: health.map(jobView), next: null }, 200);
});

function jobView({ job, record, problem }: JobHealth): z.output<typeof Job> {
  const {
    succeeded_at = null,
    success_ms = 0,
    failed_at = null,
    failure_ms = 0,
    reason = null,
  } = record ?? {};
  return {
    name: job.name,
    description: job.does,
    deadline_ms: job.deadline,
    last_success: succeeded_at === null ? null : { at: iso(succeeded_at), took_ms: success_ms ?? 0 },
    last_failure:
      failed_at === null ? null : { at: iso(failed_at), took_ms: failure_ms ?? 0, reason: reason ?? "" },
    failing_since: isoOrNull(record?.failing_since ?? null),
    problem,
  };
}
