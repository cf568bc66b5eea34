// Properties draw the same values in every run, so that a change is what makes a test fail, not luck; SEED=<number>
// draws others. A test also fails if it logs an unexpected warning or error; `expectLogs` and spies make them expected.

import { env } from "cloudflare:workers";
import { configureGlobal } from "fast-check";
import { afterEach, beforeEach } from "vitest";
import { takeUnexpected, watchLog } from "./log.ts";

configureGlobal({ seed: env.TEST_SEED });

beforeEach(watchLog);
afterEach(() => {
  const unexpected = takeUnexpected();
  if (unexpected.length > 0) throw new Error(`logged unexpectedly:\n${unexpected.join("\n")}`);
});
