// Workers in workerd, the runtime of the platform, each in a process of its own: bundled as wrangler bundles them, and
// reached directly, without the proxy that local development puts in front of them.

import { build } from "esbuild";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Log, LogLevel, Miniflare, type MiniflareOptions } from "miniflare";
import { beforeExit } from "../../src/cli/shutdown.ts";
import { storage } from "../support/storage.ts";

export const ROOT = join(import.meta.dirname, "..", "..");
const COMPATIBILITY_DATE = "2026-11-01";

const storages: string[] = [];
// A signal ends the runtimes' parent at once, before anybody is asked to stop.
process.once("exit", () => {
  for (const folder of storages) rmSync(folder, { recursive: true, force: true });
});

/** A new, empty folder for a candidate's data; gone with this process at the latest. */
export function makeStorage(): string {
  const folder = mkdtempSync(join(storage(), "tidings-bench-"));
  storages.push(folder);
  return folder;
}

/** One module with everything in it. `entry`: path below the project. */
export async function bundle(entry: string): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["node:*", "cloudflare:*"],
    logLevel: "silent",
  });
  return outputFiles[0]?.text ?? "";
}

type WorkerOptions = MiniflareOptions["workers"][number];
export type Bindings = NonNullable<WorkerOptions["config"]["env"]>;

export interface Setup {
  /** The entry's path below the project. */
  entry: string;
  env: Bindings;
  /** Names of the classes that are exported as Durable Objects. */
  objects?: readonly string[];
  /** A queue whose messages a second Worker takes and drops. */
  drained?: string;
  /** Whether a debugger may look inside. */
  inspected?: boolean;
}

export interface Running {
  /** Of the Worker itself. */
  url: URL;
  /** Where the runtime listens to a debugger of the Worker, if it does. */
  inspector: string | null;
  /** Resolves when its queue is drained, or after a while: a backlog takes time from whoever is measured next. */
  settled(): Promise<void>;
  /** Stops the runtime and removes its storage. `look` sees the folder in between, when nothing is open in it any more. */
  stop(look?: (folder: string) => void): Promise<void>;
}

/** Starts the Worker with empty storage; stopping it removes the storage. */
export async function start({ entry, env, objects = [], drained, inspected }: Setup): Promise<Running> {
  const storage = makeStorage();
  const exported = objects.map((name) => [name, { type: "durable-object", storage: "sqlite" }] as const);
  const workers: WorkerOptions[] = [
    {
      config: { ...worker("bench", await bundle(entry)), env, exports: Object.fromEntries(exported) },
      dev: { unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }] },
    },
  ];
  if (drained !== undefined) {
    const triggers = [{ type: "queue" as const, name: drained, maxBatchSize: 100, maxBatchTimeout: 1 }];
    workers.push({
      config: { ...worker("drain", DRAIN), triggers },
      dev: { unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }] },
    });
  }
  const runtime = new Miniflare({
    workers,
    host: "127.0.0.1",
    port: 0,
    logRequests: false,
    ...(inspected === true ? { inspectorPort: 0 } : {}),
    log: new Log(LogLevel.ERROR),
    resourcePersistencePath: storage,
  });
  const stop = async (look?: (folder: string) => void): Promise<void> => {
    await runtime.dispose().catch(() => undefined);
    try {
      look?.(storage);
    } finally {
      rmSync(storage, { recursive: true, force: true });
    }
  };
  beforeExit(stop);
  await runtime.ready;
  const drain = drained === undefined ? null : await runtime.unsafeGetDirectURL("drain");
  const settled = async (): Promise<void> => {
    if (drain !== null) await untilStill(async () => await (await fetch(drain)).text());
  };
  const inspector = inspected === true ? await inspectorOf(runtime) : null;
  return { url: await runtime.unsafeGetDirectURL("bench"), inspector, settled, stop };
}

async function inspectorOf(runtime: Miniflare): Promise<string> {
  const url = new URL("/core:user:bench", await runtime.getInspectorURL());
  url.protocol = "ws:";
  return url.href;
}

/** Takes and drops messages, and tells how many. */
const DRAIN = `let n = 0; export default {
  queue({ messages }) { n += messages.length; },
  fetch() { return new Response(String(n)); },
};`;

const LOOK_EVERY = 250; // ms
const MOST_LOOKS = 60;

async function untilStill(look: () => Promise<string>): Promise<void> {
  let before = await look();
  for (let i = 0; i < MOST_LOOKS; i++) {
    await sleep(LOOK_EVERY);
    const now = await look();
    if (now === before) return;
    before = now;
  }
}

function worker(name: string, contents: string) {
  const modules = { "index.js": { type: "esm" as const, contents } };
  return {
    name,
    compatibilityDate: COMPATIBILITY_DATE,
    manifest: { mainModule: "index.js", modulesRoot: ROOT, modules },
  };
}

/** Asks a measuring Worker; what it answers is trusted to be a `T`, for both are of this folder. */
export async function askLab<T>({ url }: Running, path: string, question: unknown): Promise<T> {
  const response = await fetch(new URL(path, url), { method: "POST", body: JSON.stringify(question) });
  if (!response.ok) throw new Error(`${path} failed: ${await response.text()}`);
  return (await response.json()) as T;
}
