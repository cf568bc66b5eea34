// GET /v1/status: what is bad, in sentences, for the person on call and for monitors that understand nothing but 200.
// /healthz answers whether requests can be accepted; this looks at what became of them, too: pipes, sources, dead
// letters. A check that fails is a finding itself and keeps no other from its answer.

import * as z from "zod";
import { configOf } from "../../config/config.ts";
import { within } from "../../lib/deadline.ts";
import { describeError } from "../../lib/outage.ts";
import { allows } from "../../model/token-scope.ts";
import { listSourcesAcross } from "../../store/across/sources.ts";
import { version } from "../../version.ts";
import { databaseOf } from "../health.ts";
import { json, needs, problems } from "../kit/responses.ts";
import { createRoute, router } from "../kit/routes.ts";
import { time } from "../schemas.ts";
import { iso, isoOrNull } from "../views.ts";
import { checkConfiguration, checkDatabase, checkDeadLetters, checkJobs, checkPipes } from "./checks.ts";
import { SUBJECTS, type Finding } from "./finding.ts";
import { checkClosed, checkQuiet } from "./sources.ts";

/** How long the checks of one subject may take, ms. */
const DEADLINE = 8_000;

const Status = z
  .object({
    status: z.enum(["ok", "bad"]).describe("bad if there is any finding"),
    version: z.string(),
    checked_at: time,
    findings: z.array(
      z.object({
        about: z.enum(SUBJECTS),
        name: z
          .string()
          .nullable()
          .describe("The setting, job, pipe or source")
          .meta({ examples: ["crm"] }),
        finding: z
          .string()
          .describe("What is bad")
          .meta({
            examples: ["The pipe crm is paused, so its destination gets nothing. The reason: paused by ann."],
          }),
        advice: z.string().describe("What to do"),
        since: time.nullable().describe("Since when; null if that is not known"),
      }),
    ),
  })
  .meta({ id: "Status" });

/** The route of /v1/status. */
export const status = router();

const single = createRoute({
  ...needs("read"),
  method: "get",
  path: "/",
  tags: ["Status"],
  summary: "What is bad, and what to do about it; answers 503 if anything is",
  description:
    "It finds wrong and missing settings and secrets, a database that is lost, full, out of reach or of another version, " +
    "scheduled jobs that do not succeed, pipes that are paused or failing, closed sources, sources that are silent for " +
    "longer than their last weeks explain, and dead letters that pile up (10 within a day, or 100). Refused requests are " +
    "not stored, so they are not counted here. `/healthz` needs no token and asks only whether requests can be accepted.",
  responses: {
    ...problems(),
    200: json("Nothing is bad", Status),
    503: json("Something is bad", Status),
  },
});

status.openapi(single, async (c) => {
  const { env } = c;
  const { db, shards, token } = c.var;
  const [config, now] = [configOf(env), Date.now()];
  const database = await databaseOf(env, config.storage.limit);
  const findings = [
    ...checkConfiguration(config, { names: allows(token.scopes, "admin") }),
    ...checkDatabase(database),
    ...checkJobs(database, now),
  ];
  if (!UNREADABLE.has(database.state)) {
    const sources = async (): Promise<Finding[]> => {
      const seen = await listSourcesAcross(shards);
      const [quiet, letters] = await Promise.all([
        checkQuiet(shards, config, seen, now),
        checkDeadLetters(db, seen, now),
      ]);
      return [...checkClosed(config, seen, now), ...quiet, ...letters];
    };
    const checked = [attempt("pipe", checkPipes(env, db, config)), attempt("source", sources())];
    findings.push(...(await Promise.all(checked)).flat());
  }
  const answer = {
    version,
    checked_at: iso(now),
    findings: findings.map((one) => ({ ...one, since: isoOrNull(one.since) })),
  };
  return findings.length === 0
    ? c.json({ status: "ok" as const, ...answer }, 200)
    : c.json({ status: "bad" as const, ...answer }, 503);
});

/** States of the database in which nothing can be read from it. */
const UNREADABLE: ReadonlySet<string> = new Set(["no answer", "not migrated", "behind"]);

async function attempt(about: Finding["about"], checking: Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await within(DEADLINE, "the checks", checking);
  } catch (error) {
    console.error({ message: "a check of the status failed", about, ...describeError(error) });
    const finding = `The state of the ${about}s could not be read.`;
    return [
      { about, name: null, finding, advice: "Ask again; if it stays so, look into the log.", since: null },
    ];
  }
}
