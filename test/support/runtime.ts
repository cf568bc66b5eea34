// The set-up that all test runs share, also the benchmark's and the simulation's: workerd with the real local queue,
// Durable Objects, D1 and R2 of wrangler.toml.

import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import type { ViteUserConfig } from "vitest/config";
import { buildDocs } from "../../src/docs/site/build.ts";
import { muffle } from "./muffle.ts";
import { storage } from "./storage.ts";

/** The project's folder, with a slash at the end. */
export const root = new URL("../..", import.meta.url).pathname;

muffle();
// What a fresh clone runs with, whatever this machine's .dev.vars holds; in the environment, too, where wrangler looks.
const secrets = parseEnv(readFileSync(`${root}.dev.vars.example`, "utf8"));
Object.assign(process.env, secrets);
// Before miniflare asks for the temporary folder.
process.env["TMPDIR"] = storage();
// The assets, as wrangler's [build] makes them before it bundles.
await buildDocs();
const migrations = await readD1Migrations(`${root}src/store/migrations`);

/** A Worker that answers with all messages that came through its queue. */
const CONSUMER = `
  const bodies = [];
  export default {
    queue: (batch) => void bodies.push(...batch.messages.map(({ body }) => body)),
    fetch: () => Response.json(bodies),
  };
`;

const DELIVERIES = {
  maxBatchSize: 100,
  maxBatchTimeout: 0.05,
  maxRetries: 100,
  deadLetterQueue: "tidings-dead",
};

/** The databases beside DB of a run with several, and the one in which tests see them together (merged.ts). */
function furtherDatabases(shards: number): Record<string, string> {
  if (shards === 1) return {};
  const others = Array.from({ length: shards - 1 }, (_, before) => `DB_${before + 1}`);
  return Object.fromEntries([...others, "MERGED"].map((binding) => [binding, `test-${binding}`]));
}

/**
 * The plugin that runs a project's tests inside workerd, with so many databases. Every project needs one of its own.
 */
export function workerd({ shards = 1 } = {}): ReturnType<typeof cloudflareTest> {
  return cloudflareTest({
    main: `${root}test/support/worker.ts`,
    wrangler: { configPath: `${root}wrangler.toml` },
    miniflare: {
      bindings: {
        TEST_MIGRATIONS: migrations,
        TEST_SEED: Number(process.env["SEED"] ?? 1),
        ...secrets,
        ...(shards === 1 ? {} : { STORAGE: { shards }, SHARDS_TRIAL: "yes" }),
      },
      // Beside those of the deployment, for suites that put several databases together by themselves (three-databases.ts,
      // divided.ts).
      d1Databases: {
        ...furtherDatabases(shards),
        TEST_DB_1: "test-1",
        TEST_DB_2: "test-2",
        TEST_DB_ALL: "test-all",
      },
      // Queues as pipes have them, one with a consumer of its own.
      queueProducers: {
        TEST_PIPE: { queueName: "test-pipe" },
        TEST_PIPE_LIMITS: { queueName: "test-pipe-limits" },
      },
      // As a deployment with Email Service has it.
      email: { send_email: [{ name: "EMAIL", allowed_sender_addresses: ["tidings@example.com"] }] },
      serviceBindings: { TEST_PIPE_CONSUMER: "test-pipe-consumer" },
      workers: [
        {
          name: "test-pipe-consumer",
          modules: [{ type: "ESModule", path: "consumer.js", contents: CONSUMER }],
          compatibilityDate: "2026-11-01",
          queueConsumers: { "test-pipe": { maxBatchSize: 100, maxBatchTimeout: 0.05 } },
        },
      ],
      // The same queues, but batches do not wait three seconds.
      queueConsumers: {
        "tidings-deliveries": DELIVERIES,
        "tidings-email-events": DELIVERIES,
        "tidings-dead": { maxBatchSize: 20, maxBatchTimeout: 0.05, maxRetries: 100 },
      },
    },
  });
}

/** The peers of pipes, the seeds, the schema, the platform's limits and the watch over the log: what most suites need. */
export const options = {
  globalSetup: ["test/pipes/peers/index.ts"],
  setupFiles: [
    "test/support/setup.ts",
    "test/support/limited.ts",
    "test/support/limit-objects.ts",
    "test/support/schema.ts",
  ],
  testTimeout: 180_000, // the machine may be busy with other things
  hookTimeout: 180_000,
} satisfies ViteUserConfig["test"];

/** For commands that run files of their own: `include` comes on top. */
export default function config(test: ViteUserConfig["test"]): ViteUserConfig {
  return { root, plugins: [workerd()], test: { ...options, silent: "passed-only", ...test } };
}
