// Every test file has a storage of its own; this gives it the schema. Properties draw the same values in every run, so
// that a change is what makes a test fail, not luck; SEED=<number> draws others.

import { applyD1Migrations } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { configureGlobal } from "fast-check";

configureGlobal({ seed: env.TEST_SEED });
await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
