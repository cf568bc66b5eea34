// The platform's limits that the local emulator does not enforce, and some of our own below them. The prototypes of the
// bindings are changed, so that every call is checked, whoever makes it: a test, a request, a Durable Object. A call
// beyond a limit throws as it would in production, and its test fails even if the code under test catches the error.
//
// https://developers.cloudflare.com/d1/platform/limits/, .../durable-objects/platform/limits/, .../queues/platform/limits/,
// .../r2/platform/limits/, .../workers/platform/limits/#subrequests

import { AsyncLocalStorage } from "node:async_hooks";
import { env } from "cloudflare:workers";

const MB = 1_000_000;

/** Bytes and counts. Where the platform allows more, its own limit stands behind. */
export const LIMITS = {
  /** D1 queries of one invocation; each statement of a batch counts. */
  queries: 1_000,
  /** Calls of all bindings in one invocation, as wrangler.toml sets it. */
  subrequests: 100_000,
  /** Of one query's result; ours: the platform stops at 50 MB, and an isolate has 128. */
  result: 10 * MB,
  /** Of a bound text. */
  bound: 2 * MB,
  /** Bound values of a statement. */
  parameters: 100,
  /** Of a statement's text. */
  statement: 100_000,
  /** Of a value in an object's storage; ours: the platform's is 2 MB. */
  stored: MB,
  /** Of a message, and of all messages of a batch. */
  message: 128_000,
  batch: 256_000,
  /** Messages in a batch. */
  messages: 100,
  /** Of a key in R2, and keys in one deletion. */
  key: 1_024,
  keys: 1_000,
  /** Of the arguments, or the answer, of a call between a Worker and an object. */
  call: 32 * MB,
} as const;

type Limit = keyof typeof LIMITS;

let crossed: string[] = [];

/** Returns what went beyond a limit since the last call. */
export function takeCrossed(): string[] {
  const taken = crossed;
  crossed = [];
  return taken;
}

/** Throws, and makes the test fail, if `used` is beyond the limit. `what`: for people. */
export function within(limit: Limit, used: number, what: string): void {
  if (used <= LIMITS[limit]) return;
  const message = `beyond the limit "${limit}": ${used} of ${LIMITS[limit]}: ${what.slice(0, 200)}`;
  crossed.push(message);
  throw new Error(message);
}

/** What one invocation has used so far. */
export interface Invocation {
  queries: number;
  subrequests: number;
}

const invocations = new AsyncLocalStorage<Invocation>();

/** Runs the work as one invocation: its queries and calls are counted. Returns what the work returns. */
export function asInvocation<T>(work: () => T, used: Invocation = { queries: 0, subrequests: 0 }): T {
  return invocations.run(used, work);
}

/** Counts against the invocation that is under way; tests themselves are none. */
function spend(queries: number, what: string): void {
  const used = invocations.getStore();
  if (used === undefined) return;
  used.queries += queries;
  used.subrequests += 1;
  within("queries", used.queries, what);
  within("subrequests", used.subrequests, what);
}

let read = 0;

/** Rows that D1 has read so far, in all invocations together. */
export const totalRowsRead = (): number => read;

function noteRead(answer: unknown): void {
  read += ((answer ?? {}) as Partial<D1Result>).meta?.rows_read ?? 0;
}

/** A response whose body is read as part of the invocation that made it. */
export function readWithin(response: Response, used: Invocation): Response {
  if (response.body === null || response.webSocket !== null) return response;
  const reader: ReadableStreamDefaultReader<Uint8Array> = response.body.getReader();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await asInvocation(async () => await reader.read(), used);
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: async (reason) => await reader.cancel(reason),
  });
  return new Response(body, response);
}

/** About how many bytes a value takes on its way: the texts in it as UTF-8, eight for everything else. */
export function sizeOf(value: unknown): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return value.byteLength;
  if (typeof value !== "object" || value === null) return 8;
  let size = 8;
  if (value instanceof Map || value instanceof Set) for (const one of value) size += sizeOf(one);
  else if (Array.isArray(value)) for (const one of value) size += sizeOf(one);
  else for (const [name, one] of Object.entries(value)) size += name.length + sizeOf(one);
  return size;
}

type Method = (this: unknown, ...args: unknown[]) => unknown;

const changes = new WeakMap<object, Set<string>>();

/**
 * Replaces a method of a prototype, once: files that share a runtime ask for it again. `around` gets the original, which
 * it calls with `this`.
 */
export function change(prototype: object, name: string, around: (original: Method) => Method): void {
  const names = changes.get(prototype) ?? new Set();
  if (names.has(name)) return;
  changes.set(prototype, names.add(name));
  const original: unknown = Reflect.get(prototype, name);
  if (typeof original !== "function") throw new Error(`the runtime has no method ${name} any more`);
  Reflect.set(prototype, name, around(original as Method));
}

const prototypeOf = (object: object): object => Object.getPrototypeOf(object) as object;

let changed = false;

/** Puts the checks in place, once an isolate. */
export function enforceLimits(): void {
  if (changed) return;
  changed = true;
  limitDatabase();
  limitBucket();
  limitQueue();
}

function limitDatabase(): void {
  const session = env.DB.withSession();
  const texts = new WeakMap<object, string>();
  for (const prototype of [prototypeOf(env.DB), prototypeOf(session)])
    change(
      prototype,
      "prepare",
      (prepare) =>
        function (sql) {
          within("statement", sizeOf(sql), String(sql));
          const statement = Reflect.apply(prepare, this, [sql]) as object;
          texts.set(statement, String(sql));
          return statement;
        },
    );
  const statement = prototypeOf(session.prepare("SELECT 1"));
  const textOf = (one: unknown): string => texts.get(one as object) ?? "a statement";
  change(
    statement,
    "bind",
    (bind) =>
      function (...values) {
        within("parameters", values.length, textOf(this));
        for (const value of values) within("bound", sizeOf(value), textOf(this));
        const bound = Reflect.apply(bind, this, values) as object;
        texts.set(bound, textOf(this));
        return bound;
      },
  );
  for (const name of ["first", "run", "all", "raw"])
    change(
      statement,
      name,
      (call) =>
        async function (...args) {
          spend(1, textOf(this));
          const answer: unknown = await Reflect.apply(call, this, args);
          noteRead(answer);
          within("result", sizeOf((answer as Partial<D1Result> | null)?.results ?? answer), textOf(this));
          return answer;
        },
    );
  change(
    prototypeOf(session),
    "batch",
    (batch) =>
      async function (statements) {
        const all = statements as object[];
        spend(all.length, textOf(all[0]));
        const answers = (await Reflect.apply(batch, this, [statements])) as D1Result[];
        for (const answer of answers) noteRead(answer);
        for (const [index, { results }] of answers.entries())
          within("result", sizeOf(results), textOf(all[index]));
        return answers;
      },
  );
}

function limitBucket(): void {
  for (const name of ["get", "put", "delete", "list", "head"])
    change(
      prototypeOf(env.BUCKET),
      name,
      (call) =>
        function (...args) {
          spend(0, `${name} in the bucket`);
          const keys = name === "list" ? [] : ([args[0]].flat() as string[]);
          within("keys", keys.length, `${name} in the bucket`);
          for (const key of keys) within("key", sizeOf(key), key);
          return Reflect.apply(call, this, args);
        },
    );
}

function limitQueue(): void {
  const queue = prototypeOf(env.QUEUE);
  change(
    queue,
    "send",
    (send) =>
      function (...args) {
        spend(0, "send to the queue");
        checkMessages([args[0]]);
        return Reflect.apply(send, this, args);
      },
  );
  change(
    queue,
    "sendBatch",
    (send) =>
      function (...args) {
        spend(0, "sendBatch to the queue");
        const messages = [...(args[0] as Iterable<{ body: unknown }>)];
        checkMessages(messages.map(({ body }) => body));
        return Reflect.apply(send, this, [messages, ...args.slice(1)]);
      },
  );
}

/** Checks messages that are sent together. */
export function checkMessages(bodies: readonly unknown[]): void {
  const sizes = bodies.map(sizeOf);
  for (const size of sizes) within("message", size, "a message");
  within("messages", sizes.length, "a batch of messages");
  const sum = sizes.reduce((all, size) => all + size, 0);
  within("batch", sum, "a batch of messages");
}
