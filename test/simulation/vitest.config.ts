// `npm run simulate`: runs inside workerd on its local bindings, like the tests, with the source unchanged or as one
// mutant.

import { defineConfig, mergeConfig } from "vitest/config";
import config from "../support/runtime.ts";
import { MUTANTS } from "./mutants/index.ts";

const name = process.env["SIMULATE_MUTANT"] ?? "";
const mutant = MUTANTS.find((one) => one.name === name);

export default mergeConfig(
  config({
    setupFiles: ["test/support/limited.ts", "test/support/limit-objects.ts", "test/support/schema.ts"],
  }),
  defineConfig({
    plugins: [
      {
        name: "mutant",
        enforce: "pre",
        transform(code, id) {
          if (mutant === undefined || !id.endsWith(`/src/${mutant.file}`)) return null;
          if (!code.includes(mutant.from))
            throw new Error(`nothing to change for the mutant: ${mutant.name}`);
          return code.replace(mutant.from, () => mutant.to);
        },
      },
    ],
    test: {
      // A mutant's module must not be cached as the source for the next run.
      fsModuleCache: mutant === undefined,
      include: ["test/simulation/seeds.ts"],
      provide: {
        simulation: {
          from: Number(process.env["SIMULATE_FROM"] ?? 1),
          count: Number(process.env["SIMULATE_COUNT"] ?? 100),
          cut: mutant === undefined,
          told: process.env["SIMULATE_TOLD"] === "yes",
        },
      },
      silent: false,
      testTimeout: 24 * 3_600_000,
    },
  }),
);
