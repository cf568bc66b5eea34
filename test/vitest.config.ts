// Tests run inside workerd, on the real local queue, Durable Object, D1 and R2 of wrangler.toml.

import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { defineConfig } from "vitest/config";
import { storage } from "./storage.ts";

const root = new URL("..", import.meta.url).pathname;
// What a fresh clone runs with, whatever this machine's .dev.vars holds; in the environment, too, where wrangler looks.
const secrets = parseEnv(readFileSync(`${root}.dev.vars.example`, "utf8"));
Object.assign(process.env, secrets);
// Before miniflare asks for the temporary folder.
process.env["TMPDIR"] = storage();
const migrations = await readD1Migrations(`${root}src/store/migrations`);

export default defineConfig({
  root,
  plugins: [
    cloudflareTest({
      wrangler: { configPath: `${root}wrangler.toml` },
      miniflare: {
        bindings: {
          TEST_MIGRATIONS: migrations,
          ...secrets,
        },
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
    include: ["test/*.test.ts", "test/pipes/*.test.ts"],
    globalSetup: ["test/pipes/peers.ts"],
    setupFiles: ["test/setup.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    silent: "passed-only",
  },
});
