// `npm test`: several projects, because starting a runtime and creating the schema takes longer than the tests of most files.
// The pure suites (`npm run test:unit`) and those of the kinds of pipes share a runtime per worker, since they leave nothing
// behind in it. Every other file has one of its own: objects and queues outlive a file in a shared one.

import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { options, root, workerd } from "./support/runtime.ts";

/** Suites of pure functions: no binding, no clock, no network. */
const UNIT = [
  "test/lib/**/*.test.ts",
  "test/model/**/*.test.ts",
  "test/providers/**/*.test.ts",
  "test/structure.test.ts",
  "test/erasure/redact.test.ts",
  "test/store/migrations.test.ts",
  "test/support/*.test.ts",
  "test/pipes/circuit.test.ts",
  "test/pipes/round/dispatch.test.ts",
  "test/pipes/transport/{batches,payload}.test.ts",
  "test/pipes/filter/{answers,cost,filter,linear-regex,reserved-words}.test.ts",
];
/** Suites that measure time, which stands still inside of workerd. They run in Node, and need nothing of a Worker. */
const LINEAR = ["test/linear/**/*.test.ts"];
/** Suites of commands, which run in Node as the commands do. */
const CLI = ["test/cli/**/*.test.ts"];
/** Suites of one kind of pipe each, against peers; they store nothing. */
const KINDS = ["test/pipes/kinds/**/*.test.ts"];

/** Suites that need three databases, and others that also run with them: those of parts that answer from all. */
const SEVERAL = ["test/shards/**/*.test.ts"];
const ALSO_SEVERAL = ["test/contact/**/*.test.ts"];

export default defineConfig({
  root,
  test: {
    // Vitest leaves one core free, which on two cores means that one file runs after the other.
    maxWorkers: availableParallelism(),
    silent: "passed-only",
    projects: [
      {
        plugins: [workerd()],
        test: {
          ...options,
          name: "unit",
          include: UNIT,
          isolate: false,
          globalSetup: [],
          setupFiles: ["test/support/setup.ts", "test/support/limited.ts"],
        },
      },
      {
        test: {
          name: "linear",
          include: LINEAR,
          testTimeout: 600_000,
          // After all others: their runtimes share the processor's caches with what is measured.
          sequence: { groupOrder: 1 },
          // The garbage collector must not begin to work between the sizes that are compared.
          execArgv: ["--min-semi-space-size=64", "--max-semi-space-size=64", "--single-threaded-gc"],
        },
      },
      { test: { name: "cli", include: CLI, testTimeout: 180_000 } },
      { plugins: [workerd()], test: { ...options, name: "kinds", include: KINDS, isolate: false } },
      {
        plugins: [workerd()],
        test: {
          ...options,
          name: "edge",
          include: ["test/**/*.test.ts"],
          exclude: [...UNIT, ...LINEAR, ...CLI, ...KINDS, ...SEVERAL],
          isolate: false,
        },
      },
      {
        plugins: [workerd({ shards: 3 })],
        test: { ...options, name: "shards", include: [...SEVERAL, ...ALSO_SEVERAL], isolate: false },
      },
    ],
  },
});
