// The runtime in which pipes are measured, and how they are made and stopped there: through /v1, as a person does it.

import { tidingsBindings } from "../candidates.ts";
import { askLab, start, type Running } from "../runtime.ts";
import { schema } from "../store-lab.ts";

/** The key of .dev.vars.example. */
const PIPE_KEYS = '{"local":"bG9jYWwtb25seS1sb2NhbC1vbmx5LWxvY2FsLW9ubHk="}';

/** Of every pipe here. */
export const SIGNING_SECRET = `whsec_${Buffer.alloc(32, "bench").toString("base64")}`;

/** `counted`: whether what the pipes write is counted, which costs some speed. */
export async function startPipeLab({ counted }: { counted: boolean }): Promise<Running> {
  const object = (exportName: string) => ({ type: "durable-object", worker: "bench", exportName }) as const;
  const lab = await start({
    entry: "test/bench/labs/pipes.ts",
    env: {
      ...tidingsBindings(),
      PIPES: object(counted ? "CountedPipe" : "Pipe"),
      PIPE_KEYS: { type: "text", value: PIPE_KEYS },
      PIPES_LOOPBACK: { type: "text", value: "yes" },
      FLOOR: object("FloorPipe"),
      SCHEMA: { type: "json", value: schema() },
    },
    objects: ["Contact", counted ? "CountedPipe" : "Pipe", "FloorPipe"],
    inspected: !counted,
  });
  await askLab<null>(lab, "/schema", null);
  return lab;
}

export interface PipeHealth {
  behind: number;
  waiting: number;
  delivered: number;
}

const HEADERS = { authorization: "Bearer bench-only", "content-type": "application/json" };

async function call<T>({ url }: Running, method: string, path: string, body?: unknown): Promise<T> {
  const init = { method, headers: HEADERS, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  const response = await fetch(new URL(`/v1/pipes${path}`, url), init);
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
  return (text === "" ? null : JSON.parse(text)) as T;
}

export interface PipeWish {
  name: string;
  url: string;
  /** Whether a request holds up to a hundred events, or one. */
  batch: boolean;
  concurrency: number;
  start: "now" | "beginning";
  /** Which events it passes on; all if left out. */
  filter?: string;
}

/** Makes a pipe, which begins at once. Its id. */
export async function makePipe(lab: Running, wish: PipeWish): Promise<string> {
  const { url, batch, ...others } = wish;
  const settings = { url, batch, signing_secrets: [SIGNING_SECRET] };
  const body = { kind: "webhook", settings, ...others };
  return (await call<{ pipe: { id: string } }>(lab, "POST", "", body)).pipe.id;
}

export const pausePipe = async (lab: Running, id: string): Promise<void> =>
  void (await call(lab, "POST", `/${id}/pause`));

export const resumePipe = async (lab: Running, id: string): Promise<void> =>
  void (await call(lab, "POST", `/${id}/resume`));

export const removePipe = async (lab: Running, id: string): Promise<void> =>
  void (await call(lab, "DELETE", `/${id}`));

export async function healthOf(lab: Running, id: string): Promise<PipeHealth> {
  const { health } = await call<{ health: PipeHealth | null }>(lab, "GET", `/${id}`);
  if (health === null) throw new Error("the pipe was not begun");
  return health;
}
