// Tests run inside workerd, on the real local queue, Durable Object, D1 and R2 of wrangler.toml.

import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { defineConfig } from "vitest/config";
import { buildDocs } from "../src/docs/site/build.ts";
import { storage } from "./support/storage.ts";

const root = new URL("..", import.meta.url).pathname;
// What a fresh clone runs with, whatever this machine's .dev.vars holds; in the environment, too, where wrangler looks.
const secrets = parseEnv(readFileSync(`${root}.dev.vars.example`, "utf8"));
Object.assign(process.env, secrets);
// Before miniflare asks for the temporary folder.
process.env["TMPDIR"] = storage();
// The assets, as wrangler's [build] makes them before it bundles.
await buildDocs();
const migrations = await readD1Migrations(`${root}src/store/migrations`);

/** Answers with all that came through its queue. */
const CONSUMER = `
  const bodies = [];
  export default {
    queue: (batch) => void bodies.push(...batch.messages.map(({ body }) => body)),
    fetch: () => Response.json(bodies),
  };
`;

export default defineConfig({
  root,
  plugins: [
    cloudflareTest({
      wrangler: { configPath: `${root}wrangler.toml` },
      miniflare: {
        bindings: {
          TEST_MIGRATIONS: migrations,
          TEST_SEED: Number(process.env["SEED"] ?? 1),
          ...secrets,
        },
        // Queues as pipes have them, one with a consumer of its own.
        queueProducers: {
          TEST_PIPE: { queueName: "test-pipe" },
          TEST_PIPE_LIMITS: { queueName: "test-pipe-limits" },
        },
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
          "tidings-deliveries": {
            maxBatchSize: 100,
            maxBatchTimeout: 0.05,
            maxRetries: 100,
            deadLetterQueue: "tidings-dead",
          },
          "tidings-email-events": {
            maxBatchSize: 100,
            maxBatchTimeout: 0.05,
            maxRetries: 100,
            deadLetterQueue: "tidings-dead",
          },
          "tidings-dead": { maxBatchSize: 20, maxBatchTimeout: 0.05, maxRetries: 100 },
        },
      },
    }),
  ],
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/pipes/peers/index.ts"],
    setupFiles: ["test/support/setup.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    silent: "passed-only",
  },
});
