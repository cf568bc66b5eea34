// The candidates as servers on loopback, each in a process of its own: the limit, Tidings, the tutorial and Express.

import { fork } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { beforeExit } from "../../src/cli/shutdown.ts";
import { makeStorage, start, type Bindings, type Running } from "./runtime.ts";
import { CREDENTIALS, PASSWORD, USER } from "./works.ts";

export type Name = "limit" | "tidings" | "tutorial" | "express";

/** The bindings that Tidings has in wrangler.toml, by the same names. */
export function tidingsBindings(database = "tidings"): Bindings {
  return {
    SOURCES: { type: "json", value: {} },
    SOURCE_CREDENTIALS: { type: "text", value: JSON.stringify(CREDENTIALS) },
    API_TOKENS: { type: "text", value: '{"bench":"bench-only"}' },
    QUEUE: { type: "queue", name: "deliveries" },
    BUCKET: { type: "r2", name: "tidings" },
    DB: { type: "d1", id: database },
    CONTACTS: { type: "durable-object", worker: "bench", exportName: "Contact" },
  };
}

const DRAINED = { drained: "deliveries" };

/** Starts the Workers with their queue drained, so that all of them are measured up to the answer, and Express. */
export async function startCandidates(): Promise<Record<Name, Running>> {
  const QUEUE = { type: "queue", name: "deliveries" } as const;
  const [limit, tidings, tutorial, express] = await Promise.all([
    start({
      entry: "test/bench/candidates/limit.ts",
      env: { QUEUE, BUCKET: { type: "r2", name: "limit" } },
      ...DRAINED,
    }),
    start({ entry: "src/index.ts", env: tidingsBindings(), objects: ["Contact"], ...DRAINED }),
    start({
      entry: "test/bench/candidates/tutorial.ts",
      env: {
        QUEUE,
        WEBHOOK_AUTH: { type: "text", value: CREDENTIALS.mailjet },
        DB: { type: "d1", id: "tutorial" },
        SEEN: { type: "durable-object", worker: "bench", exportName: "SeenContact" },
      },
      objects: ["SeenContact"],
      ...DRAINED,
    }),
    startExpress(),
  ]);
  return { limit, tidings, tutorial, express };
}

/** Starts Express with an empty database. */
export async function startExpress(): Promise<Running> {
  const storage = makeStorage();
  const child = fork(join(import.meta.dirname, "candidates", "express.js"), [
    join(storage, "events.db"),
    USER,
    PASSWORD,
  ]);
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, "exit");
      child.kill();
      await ended;
    }
    rmSync(storage, { recursive: true, force: true });
  };
  beforeExit(stop);
  const [address] = (await once(child, "message")) as [AddressInfo];
  return {
    url: new URL(`http://127.0.0.1:${address.port}`),
    inspector: null,
    settled: async () => undefined,
    stop,
  };
}
