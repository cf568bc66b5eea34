// The checks behind /v1/status, one for each subject. What /healthz looks at as well is asked in the same place:
// configuration, database and jobs. A check reports only what is bad, and reads what is stored already.

import { pipeOf } from "../../config/objects.ts";
import type { Config } from "../../config/config.ts";
import { publicProblems } from "../../config/public-problems.ts";
import { healthOf } from "../../jobs/health.ts";
import { JOBS } from "../../jobs/index.ts";
import { within } from "../../lib/deadline.ts";
import { DAY } from "../../lib/time.ts";
import { describeCondition, statusOf } from "../../pipes/condition.ts";
import { keyNameOf } from "../../pipes/secrets.ts";
import { countDeadLetters } from "../../store/dead-letters.ts";
import type { Db } from "../../store/db.ts";
import type { SourceRecord } from "../../store/events/sources.ts";
import { listPipes, type PipeRecord } from "../../store/pipes/pipes.ts";
import type { Database } from "../health.ts";
import { iso } from "../views.ts";
import type { Finding } from "./finding.ts";

/** How long one pipe's object may take to answer, ms. */
const PIPE_DEADLINE = 2_000;

/** Settings and secrets that are wrong or missing. `names`: whether names that people chose may be told. */
export function checkConfiguration(config: Config, { names }: { names: boolean }): Finding[] {
  const advice =
    "Correct it: secrets with npx wrangler secret put, other settings in wrangler.toml and with npm run deploy.";
  const problems = names ? config.problems : publicProblems(config);
  const findings = problems.map(({ setting, reason }): Finding => ({
    about: "configuration",
    name: setting,
    finding: `The configuration has a mistake at ${setting}: ${reason}.`,
    advice,
    since: null,
  }));
  if (config.pipeKeys.size > 0 || problems.some(({ setting }) => setting.startsWith("PIPE_KEYS")))
    return findings;
  const missing: Finding = {
    about: "configuration",
    name: "PIPE_KEYS",
    finding: "The secret PIPE_KEYS is not set, so no pipe can keep or use a secret.",
    advice:
      'Give it {"<name>":"<32 bytes in base64>"}: openssl rand -base64 32, then npx wrangler secret put PIPE_KEYS.',
    since: null,
  };
  return [...findings, missing];
}

/** A database that does not answer, is full, empty or of another version. */
export function checkDatabase({ state, hint }: Database): Finding[] {
  if (state === "ok") return [];
  const advice =
    state === "no answer"
      ? "Look at Cloudflare's status page. What is accepted meanwhile waits in the queue."
      : (hint ?? "");
  const finding = FOUND[state];
  return [{ about: "database", name: null, finding, advice, since: null }];
}

const FOUND: Readonly<Record<Exclude<Database["state"], "ok">, string>> = {
  full: "The database is full.",
  "no answer": "The database did not answer in time.",
  "not migrated": "The database is not as this version expects it.",
  behind: "The database lacks migrations of this version.",
  ahead: "The database has migrations of a newer version.",
  empty: "The database is empty, although the archive has deliveries: it was lost or replaced.",
  rebuilding: "The database is being rebuilt from the archive: answers are incomplete until it is done.",
};

/** Scheduled jobs that have not succeeded for too long. `now`: ms. */
export function checkJobs({ records }: Database, now: number): Finding[] {
  if (records === null) return [];
  return healthOf(JOBS, records, now).flatMap(({ job, record, problem }): Finding[] => {
    if (problem === null) return [];
    const why =
      record === null || record.reason === null || record.failing_since === null
        ? ""
        : ` It failed because of: ${record.reason}.`;
    return [
      {
        about: "job",
        name: job.name,
        finding: `The scheduled job ${job.name} ${problem}.${why}`,
        advice: `GET /v1/jobs and the log say more. What it does: ${job.does}`,
        since: record?.failing_since ?? record?.succeeded_at ?? null,
      },
    ];
  });
}

/** Pipes that are paused or failing, or whose secrets cannot be opened. */
export async function checkPipes(env: Env, db: Db, config: Config): Promise<Finding[]> {
  const pipes = await listPipes(db);
  return (await Promise.all(pipes.map(async (pipe) => await checkPipe(env, pipe, config)))).flat();
}

async function checkPipe(env: Env, pipe: PipeRecord, { pipeKeys }: Config): Promise<Finding[]> {
  const { id, name, paused, paused_at, secrets } = pipe;
  const about = { about: "pipe", name } as const;
  const key = secrets === null ? null : keyNameOf(secrets);
  if (key !== null && !pipeKeys.has(key)) {
    const finding = `The pipe ${name} cannot open its secrets: PIPE_KEYS holds no key named ${key}.`;
    return [{ ...about, finding, advice: "Put the key back, or save the pipe's secrets anew.", since: null }];
  }
  if (paused !== null) {
    const finding = `The pipe ${name} is paused, so its destination gets nothing. The reason: ${paused}.`;
    const advice = `Once its destination is ready, let it go on where it stopped: POST /v1/pipes/${id}/resume.`;
    return [{ ...about, finding, advice, since: paused_at }];
  }
  try {
    const health = await within(PIPE_DEADLINE, "a pipe", pipeOf(env, id).health());
    if (statusOf(null, health) !== "failing") return [];
    const advice = `Look at its destination; the pipe goes on by itself. GET /v1/attempts?pipe=${id} shows what it answered.`;
    const finding = `The pipe ${name} is failing. ${describeCondition(null, health)}`;
    return [{ ...about, finding, advice, since: health?.failing_since ?? health?.circuit?.since ?? null }];
  } catch {
    const finding = `The pipe ${name} did not answer in time.`;
    return [{ ...about, finding, advice: "Ask again; if it stays so, look into the log.", since: null }];
  }
}

/** From how many dead letters on they pile up: of the last day, and of all days. */
const MANY_OF_A_DAY = 10;
const MANY = 100;

/** Dead letters that pile up. `now`: ms. */
export async function checkDeadLetters(
  db: Db,
  sources: readonly Pick<SourceRecord, "source" | "dead_letters">[],
  now: number,
): Promise<Finding[]> {
  const late = await countDeadLetters(db, now - DAY);
  const all = new Map(sources.map(({ source, dead_letters: n }) => [source, n]));
  const names = [...new Set([...all.keys(), ...late.keys()])].toSorted();
  return names.flatMap((name): Finding[] => {
    const [recent, total] = [late.get(name) ?? 0, Math.max(all.get(name) ?? 0, late.get(name) ?? 0)];
    if (recent < MANY_OF_A_DAY && total < MANY) return [];
    const finding = `The source ${name} has ${total} dead letters, ${recent} of them received since ${iso(now - DAY)}.`;
    const advice = `GET /v1/dead-letters?source=${encodeURIComponent(name)} tells the reasons. Mend the cause and replay them, or discard them.`;
    return [{ about: "dead_letters", name, finding, advice, since: null }];
  });
}
