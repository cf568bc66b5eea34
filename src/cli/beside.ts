// The configuration of a copy beside production, made from wrangler.toml: every name that Cloudflare knows in the account
// gets the environment's name behind it, so that nothing of the copy can reach production.

import { join } from "node:path";

/** The parts of wrangler's configuration that name something in the account, or a place on this machine. */
export interface Configuration {
  [key: string]: unknown;
  name?: string;
  main?: string;
  queues?: {
    producers?: { queue: string }[];
    consumers?: { queue: string; dead_letter_queue?: string }[];
  };
  d1_databases?: {
    binding?: string;
    database_name?: string;
    database_id?: string;
    migrations_dir?: string;
  }[];
  r2_buckets?: { bucket_name?: string; jurisdiction?: string }[];
  vars?: Record<string, unknown>;
  ratelimits?: { namespace_id: string }[];
  assets?: { directory?: string };
  build?: { command?: string; cwd?: string; watch_dir?: string };
}

/** Where a deployment's names come from. */
export interface Names {
  /** Those with our schema; the first is the home. */
  databases: string[];
  queues: string[];
}

/**
 * The configuration of the copy. Routes stay with production, counters of rate limits are its own, and paths become
 * absolute, because the result does not lie in `root`.
 */
export function beside(production: Configuration, environment: string, root: string): Configuration {
  const own = (name: string): string => `${name}-${environment}`;
  const path = (relative: string): string => join(root, relative);
  const { route: _route, routes: _routes, env: _env, ...rest } = production;
  return {
    ...rest,
    name: own(production.name ?? "tidings"),
    ...(production.main === undefined ? {} : { main: path(production.main) }),
    queues: {
      producers: (production.queues?.producers ?? []).map((one) => ({ ...one, queue: own(one.queue) })),
      consumers: (production.queues?.consumers ?? []).map((one) => ({
        ...one,
        queue: own(one.queue),
        ...(one.dead_letter_queue === undefined ? {} : { dead_letter_queue: own(one.dead_letter_queue) }),
      })),
    },
    d1_databases: (production.d1_databases ?? []).map(({ database_id: _id, ...one }) => ({
      ...one,
      database_name: own(one.database_name ?? "tidings"),
      ...(one.migrations_dir === undefined ? {} : { migrations_dir: path(one.migrations_dir) }),
    })),
    r2_buckets: (production.r2_buckets ?? []).map((one) => ({
      ...one,
      bucket_name: own(one.bucket_name ?? "tidings"),
    })),
    ratelimits: (production.ratelimits ?? []).map((one) => ({
      ...one,
      namespace_id: ownNamespace(one.namespace_id, environment),
    })),
    ...(production.assets?.directory === undefined
      ? {}
      : { assets: { ...production.assets, directory: path(production.assets.directory) } }),
    ...(production.build === undefined
      ? {}
      : {
          build: {
            ...production.build,
            cwd: root,
            ...(production.build.watch_dir === undefined
              ? {}
              : { watch_dir: path(production.build.watch_dir) }),
          },
        }),
  };
}

/** Another positive whole number for each environment, the same in every deployment. */
function ownNamespace(id: string, environment: string): string {
  let hash = 7;
  for (const char of `${id} ${environment}`) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) % 1_000_000_007;
  return String(hash + 1_000_000);
}

/** The database of wrangler.toml as it comes. */
export const ONLY = "tidings";

/** The names of all databases with our schema, in order: the first one, and those that share its migrations. */
export function databasesIn({ d1_databases = [] }: Configuration): string[] {
  const [first, ...others] = d1_databases;
  const same = others.filter(
    ({ binding, migrations_dir }) =>
      /^DB_\d+$/.test(binding ?? "") ||
      (migrations_dir !== undefined && migrations_dir === first?.migrations_dir),
  );
  return [first?.database_name ?? ONLY, ...same.flatMap(({ database_name }) => database_name ?? [])];
}

/** The databases and the queues that a configuration names. */
export function namesIn(configuration: Configuration): Names {
  return {
    databases: databasesIn(configuration),
    queues: [...new Set((configuration.queues?.consumers ?? []).map(({ queue }) => queue))],
  };
}
