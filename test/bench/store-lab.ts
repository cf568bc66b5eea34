// The runtime in which storing is measured: labs/store.ts with everybody's databases and objects.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { unstable_splitSqlQuery } from "wrangler";
import { tidingsBindings } from "./candidates.ts";
import type { EventPlan } from "./events.ts";
import type { StoreQuestion, Storing, Timing } from "./labs/store.ts";
import { askLab, ROOT, start, type Running } from "./runtime.ts";

const MIGRATIONS = join(ROOT, "src", "store", "migrations");

/** Statements that create Tidings' schema, split as wrangler splits them when it applies migrations. */
export function schema(): string[] {
  return readdirSync(MIGRATIONS)
    .filter((name) => name.endsWith(".sql"))
    .sort()
    .flatMap((name) => unstable_splitSqlQuery(readFileSync(join(MIGRATIONS, name), "utf8")));
}

export async function startStoreLab(): Promise<Running> {
  const object = (exportName: string) => ({ type: "durable-object", worker: "bench", exportName }) as const;
  const lab = await start({
    entry: "test/bench/labs/store.ts",
    env: {
      ...tidingsBindings(),
      DB_LARGE: { type: "d1", id: "large" },
      DB_FLOOR: { type: "d1", id: "floor" },
      DB_TUTORIAL: { type: "d1", id: "tutorial" },
      SEEN: object("SeenContact"),
      FLOOR: object("FloorContact"),
      SCHEMA: { type: "json", value: schema() },
    },
    objects: ["Contact", "SeenContact", "FloorContact"],
  });
  await askLab<null>(lab, "/schema", null);
  return lab;
}

/**
 * Stores the events, so many with each call of the consumer; rejects if not exactly `expected` of them were new.
 */
export async function storeOnce(
  lab: Running,
  candidate: Storing,
  plans: readonly EventPlan[],
  expected: number,
  together = plans.length,
): Promise<Timing> {
  const question: StoreQuestion = { candidate, plans, together };
  const timing = await askLab<Timing>(lab, "/", question);
  if (timing.stored !== expected)
    throw new Error(`${candidate} stored ${timing.stored} events and should have stored ${expected}`);
  return timing;
}
