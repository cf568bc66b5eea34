// Reads the arguments of `npm run deploy --`. Most are wrangler's own and go to its `deploy` alone; those that say which
// environment or which configuration is meant go to every command, or one of them would touch another database.

import { fail, ok, type Result } from "../lib/result.ts";

/** What a deployment was asked to do. */
export interface DeployArguments {
  help: boolean;
  /** Show what would be sent, and change nothing. */
  dryRun: boolean;
  /** The environment beside production; null for production. */
  environment: string | null;
  /** The configuration file; null for wrangler.toml. */
  config: string | null;
  secretsFiles: string[];
  /** For `wrangler deploy` alone, as they were given. */
  rest: string[];
}

/** The help text of `npm run deploy`. */
export const DEPLOY_USAGE = `npm run deploy [-- --env NAME] [-- --config FILE] [-- --secrets-file FILE] [-- --dry-run]

  Applies the migrations to the database at Cloudflare, deploys the Worker, and makes the queues keep their messages for
  14 days. On the first deployment it creates the queues, the database and the bucket, too.
  --env NAME           a copy beside production, in which every name ends in -NAME; its own tables
                       [env.NAME] of wrangler.toml are used instead, if it has them
  --config FILE        another file than wrangler.toml
  --secrets-file FILE  upload the secrets in it along with the Worker
  --dry-run            show what would be sent and done, and change nothing
  Other options go to \`wrangler deploy\`.`;

/** The options that take a value, by their spellings. */
const WITH_VALUE = new Map([
  ["--env", "environment"],
  ["-e", "environment"],
  ["--config", "config"],
  ["-c", "config"],
  ["--secrets-file", "secretsFile"],
] as const);

/** Names of environments become part of the names of queues, databases and buckets. */
const ENVIRONMENT = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/;

/** Reads the arguments; fails with the sentence to show if they contain a mistake. */
export function readDeployArguments(args: readonly string[]): Result<DeployArguments> {
  const read: DeployArguments = {
    help: false,
    dryRun: false,
    environment: null,
    config: null,
    secretsFiles: [],
    rest: [],
  };
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? "";
    const [name, joined] = splitAtEqual(arg);
    const option = WITH_VALUE.get(name as "--env");
    if (option === undefined) {
      if (arg === "--help" || arg === "-h") read.help = true;
      if (name === "--dry-run") read.dryRun = joined !== "false";
      read.rest.push(arg);
      continue;
    }
    const value = joined ?? args[++at];
    if (value === undefined || value === "" || (joined === undefined && value.startsWith("-")))
      return fail(`${name} needs a value; --help lists the options`);
    if (option === "secretsFile") {
      read.secretsFiles.push(value);
      read.rest.push("--secrets-file", value);
    } else if (read[option] !== null) return fail(`${name} was given twice`);
    else read[option] = value;
  }
  const { environment } = read;
  if (environment !== null && !ENVIRONMENT.test(environment))
    return fail(
      `--env must be lower-case letters, digits and dashes, at most 32, because it becomes part of names; not "${environment}"`,
    );
  return ok(read);
}

function splitAtEqual(arg: string): [string, string?] {
  const equal = arg.startsWith("--") ? arg.indexOf("=") : -1;
  return equal < 0 ? [arg] : [arg.slice(0, equal), arg.slice(equal + 1)];
}
