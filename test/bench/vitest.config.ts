// Measurements run like the tests, inside workerd, but by a command of their own: `npm run bench -- <name>`.

import { defineConfig, mergeConfig } from "vitest/config";
import config from "../support/runtime.ts";

export default mergeConfig(
  config({}),
  defineConfig({ test: { include: ["test/bench/*.bench.ts"], silent: false, testTimeout: 600_000 } }),
);
