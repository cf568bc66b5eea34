// `npm run deploy`: applies the migrations of all databases and deploys the Worker, in the order in which the code never
// meets an older schema. A database that is new must be created by wrangler first, together with the bucket and the
// queues; only one that belongs into a jurisdiction is created here, because wrangler would leave that out.
// At the end it makes the queues keep their messages for as long as Cloudflare allows, because that is a
// setting of the queue itself, which wrangler.toml does not know.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseEnv } from "node:util";
import { fail, ok, type Result } from "../lib/result.ts";
import type { Jurisdiction } from "../model/jurisdiction.ts";
import { beside, namesIn, type Configuration, type Names } from "./beside.ts";
import { DEPLOY_USAGE, readDeployArguments, type DeployArguments } from "./deploy-arguments.ts";
import { namesSeveral } from "./databases.ts";
import { contradictionOf, jurisdictionIn } from "./jurisdiction.ts";
import { keepLonger, QUEUES } from "./queues.ts";
import { giveUp, run } from "./shutdown.ts";
import { ROOT, runWrangler, spawnWrangler } from "./wrangler.ts";

/** What a deployment touches, and the arguments that make every command of wrangler mean the same. */
interface Target extends Names {
  common: string[];
  /** In which everything that is stored shall lie; null for no particular one. */
  jurisdiction: Jurisdiction | null;
}

/** As wrangler.toml names them; reading it takes seconds, because wrangler must be loaded for it. */
const PRODUCTION: Names = { databases: ["tidings"], queues: QUEUES };

await run(async () => {
  const read = readDeployArguments(process.argv.slice(2));
  if (!read.ok) return await giveUp(read.reason);
  const asked = read.value;
  if (asked.help) return console.log(DEPLOY_USAGE);
  const examples = (await Promise.all(asked.secretsFiles.map(examplesIn))).flat();
  if (examples.length > 0)
    return await giveUp(`put in your own values; these are still the example's: ${examples.join(", ")}`);
  const found = await targetOf(asked);
  if (!found.ok) return await giveUp(found.reason);
  const target = found.value;
  if (asked.dryRun) await show(target, asked);
  else await deploy(target, asked);
});

async function deploy(
  { databases, queues, common, jurisdiction }: Target,
  { rest }: DeployArguments,
): Promise<void> {
  const [existing, fresh]: [string[], string[]] = [[], []];
  for (const database of databases) {
    const info = await runWrangler(["d1", "info", database, "--json", ...common]);
    const isNew = !info.ok && /couldn't find/i.test(info.reason);
    if (!info.ok && !isNew) return await giveUp(info.reason);
    const wrong = info.ok
      ? contradictionOf(database, jurisdiction, info.value, (text) => console.warn(text))
      : null;
    if (wrong !== null) return await giveUp(wrong);
    (isNew ? fresh : existing).push(database);
  }
  const migrate = (database: string) => async () =>
    await step("migrations", ["d1", "migrations", "apply", database, "--remote", ...common]);
  const upload = async () => await step("deployment", ["deploy", ...common, ...rest]);
  const create = (database: string) => async () =>
    await step("database", ["d1", "create", database, "--jurisdiction", jurisdiction ?? "", ...common]);
  const before = existing.map(migrate);
  const steps =
    jurisdiction === null
      ? [...before, upload, ...fresh.map(migrate)]
      : [...fresh.map(create), ...before, ...fresh.map(migrate), upload];
  for (const next of steps)
    if (!(await next())) return await giveUp("stopped there; fix the reported problem and run it again");
  for (const queue of queues) {
    const kept = await runWrangler([...keepLonger(queue), ...common]);
    if (!kept.ok) console.warn(`${queue} keeps its messages no longer than before: ${kept.reason}`);
  }
}

/** A dry run: wrangler's own, which sends nothing, and what would be done besides. */
async function show(
  { databases, queues, common, jurisdiction }: Target,
  { rest }: DeployArguments,
): Promise<void> {
  if (!(await step("what would be deployed", ["deploy", ...common, ...rest])))
    return await giveUp("stopped there; fix the reported problem and run it again");
  const where =
    jurisdiction === null ? "" : ` (created in the jurisdiction ${jurisdiction} if there is none yet)`;
  const named = `the database${databases.length > 1 ? "s" : ""} ${databases.join(", ")}`;
  console.log(
    `nothing was changed; a deployment would first apply the migrations to ${named}${where}, and in the end make ${queues.join(", ")} keep their messages for 14 days`,
  );
}

/**
 * The names that a deployment touches. An environment that wrangler.toml has tables for is wrangler's matter; for any
 * other one, a configuration is made in which every name is another one.
 */
async function targetOf({ environment, config }: DeployArguments): Promise<Result<Target>> {
  const file = resolve(ROOT, config ?? "wrangler.toml");
  if (environment === null && config === null && !(await isUnusual(file)))
    return ok({ ...PRODUCTION, jurisdiction: null, common: [] });
  const common = config === null ? [] : ["--config", config];
  const { experimental_readRawConfig: readConfig } = await import("wrangler");
  const production = readConfig({ config: file }).rawConfig as Configuration;
  if (environment === null) return located(production, common);
  const tables = (production["env"] as Record<string, Configuration> | undefined)?.[environment];
  if (tables !== undefined) {
    // Wrangler's environments inherit neither variables nor bindings.
    const { vars: _vars, r2_buckets: _buckets, ...inherited } = production;
    return located({ ...inherited, ...tables }, [...common, "--env", environment]);
  }
  const copy = beside(production, environment, ROOT);
  const folder = join(ROOT, ".wrangler", "beside", environment);
  await mkdir(folder, { recursive: true });
  const made = join(folder, "wrangler.json");
  await writeFile(made, `${JSON.stringify(copy, null, 2)}\n`);
  return located(copy, ["--config", made]);
}

function located(configuration: Configuration, common: string[]): Result<Target> {
  const jurisdiction = jurisdictionIn(configuration);
  if (!jurisdiction.ok) return fail(jurisdiction.reason);
  return ok({ ...namesIn(configuration), jurisdiction: jurisdiction.value, common });
}

/** Whether wrangler.toml must be read: some line that is no comment has to do with a jurisdiction, or more databases. */
async function isUnusual(file: string): Promise<boolean> {
  const text = await readFile(file, "utf8").catch(() => ""); // wrangler reports what is wrong with the file
  return /^[^#\n]*(?:jurisdi|\bSTORAGE\b)/im.test(text) || namesSeveral(text);
}

/** The names of settings in a secrets file that still have the example's values, which are public. */
async function examplesIn(file: string): Promise<string[]> {
  const text = await readFile(file, "utf8").catch(() => ""); // wrangler reports what is wrong with the file
  return Object.entries(parseEnv(text)).flatMap(([name, value = ""]) =>
    /local-only|bG9jYWwtb25seS/.test(value) ? [name] : [],
  );
}

/** Runs wrangler with its output on the screen; returns whether it succeeded. */
async function step(name: string, args: readonly string[]): Promise<boolean> {
  console.log(`== ${name}`);
  const child = spawnWrangler(args, "inherit");
  const code = await new Promise<number | null>((resolve) => {
    child.once("error", () => resolve(1));
    child.once("close", resolve);
  });
  return code === 0;
}
