// The Worker's bindings in a simulated run: the real ones, or models of them, with every call waiting at the gate.
// Objects are wrapped with all methods of their classes, so a new method waits there, too, without being listed.

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { Claim, Tombstone } from "../../src/contact/claims.ts";
import type { Command } from "../../src/contact/commands.ts";
import { Contact } from "../../src/contact/contact.ts";
import type { Correction } from "../../src/contact/corrections.ts";
import { Pipe } from "../../src/pipes/pipe.ts";
import { asInvocation, checkMessages, type Invocation } from "../support/limits.ts";
import type { Runner } from "./gate.ts";

/** The producer side of the simulated queue. */
export interface Producer {
  send(bodies: unknown[]): void;
  /** Called with every frame that a runner tries to put into the queue or the spool. */
  seen(frame: unknown, runner: Runner): void;
}

/**
 * Receives the calls that the contacts' objects processed, in their order; `now`: ms, by the clock that the objects
 * saw.
 */
export interface Listener {
  claimed(contact: string, claims: readonly Claim[], granted: readonly boolean[]): void;
  acted(contact: string, orders: readonly Command[], changed: readonly boolean[], now: number): void;
  erased(contact: string, tombstone: Tombstone): void;
  /** A call of the database has taken effect. */
  stored(): Promise<void>;
}

/** The pipes' objects, by the ids of the pipes. */
export type PipeObjects = (id: string) => Pipe;

/** Makes a call that waits at the gate, under the name `what`, before it does `work`. */
type Gated = <A extends unknown[], R>(
  what: (args: A) => string,
  work: (...args: A) => Promise<R>,
) => (...args: A) => Promise<R>;

interface Wiring {
  gated: Gated;
  /** Called with every frame that the run tries to put into the queue or the spool. */
  seen: (frame: unknown) => void;
  /** Called when a call has changed the database. */
  wrote: () => void;
  producer: Producer;
  listener: Listener;
  configuration: () => Record<string, unknown>;
  pipes: PipeObjects | null;
}

/** The whole `env` of a run of the Worker. */
export function gatedBindings(unlimited: Wiring): Env {
  // The gate makes the calls later, so that they have to be told which run they belong to.
  const used: Invocation = { queries: 0, subrequests: 0 };
  const wiring: Wiring = {
    ...unlimited,
    gated: (what, work) =>
      unlimited.gated(what, async (...args) => await asInvocation(async () => await work(...args), used)),
  };
  const { gated, wrote, listener, configuration, pipes } = wiring;
  return {
    ...env,
    ...configuration(),
    BUCKET: bucketOf(wiring),
    DB: databaseOf(gated, wrote),
    QUEUE: queueOf(wiring),
    CONTACTS: { getByName: (name: string) => contactOf(gated, listener, name) },
    ...(pipes === null ? {} : { PIPES: { getByName: (id: string) => pipeOf(gated, pipes, id) } }),
  } as unknown as Env;
}

function bucketOf({ gated, seen }: Wiring): Pick<R2Bucket, "put" | "get" | "delete" | "list"> {
  return {
    put: gated<Parameters<R2Bucket["put"]>, unknown>(
      ([key, value]) => {
        if (folderOf(key) === "spool") seen(value);
        return `put ${folderOf(key)}`;
      },
      async (...args) => await env.BUCKET.put(...args),
    ) as R2Bucket["put"],
    get: gated<[string], unknown>(
      ([key]) => `get ${folderOf(key)}`,
      async (key) => await env.BUCKET.get(key),
    ) as R2Bucket["get"],
    delete: gated(
      ([keys]: [string | string[]]) => `delete ${folderOf([keys].flat()[0] ?? "")}`,
      async (keys) => await env.BUCKET.delete(keys),
    ),
    list: gated(
      () => "list",
      async (options?: R2ListOptions) => await env.BUCKET.list(options),
    ),
  };
}

function folderOf(key: string): string {
  return key.slice(0, key.indexOf("/"));
}

function queueOf({ gated, seen, producer }: Wiring): unknown {
  const answer = { metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } };
  const send = gated(
    ([bodies]: [unknown[]]) => {
      for (const body of bodies) seen(body);
      return `send ${bodies.length}`;
    },
    async (bodies) => {
      checkMessages(bodies);
      producer.send(bodies);
    },
  );
  return {
    send: async (body: unknown) => (await send([body]), answer),
    sendBatch: async (messages: Iterable<{ body: unknown }>) => (
      await send([...messages].map(({ body }) => body)),
      answer
    ),
  };
}

type Method = (...args: never[]) => Promise<unknown>;

/** Names of the methods that a Durable Object's class offers to its callers. */
function methodsOf(type: { prototype: object }): string[] {
  return Object.getOwnPropertyNames(type.prototype).filter(
    (name) => name !== "constructor" && name !== "alarm",
  );
}

/** A stub with all methods of the class, each of which waits at the gate; `call` makes the actual call. */
function stubOf(
  gated: Gated,
  type: { prototype: object },
  what: (method: string, args: unknown[]) => string,
  call: (method: string, args: unknown[]) => Promise<unknown>,
): Record<string, Method> {
  return Object.fromEntries(
    methodsOf(type).map((method) => [
      method,
      gated(
        (args: unknown[]) => what(method, args),
        async (...args: unknown[]) => await call(method, args),
      ),
    ]),
  );
}

/** A contact's object. The listener receives the calls that it processed. */
function contactOf(gated: Gated, listener: Listener, name: string): unknown {
  const tell: { [method in string]?: (args: unknown[], answer: unknown, now: number) => void } = {
    claim: ([claims], answer) => listener.claimed(name, claims as Claim[], (answer as Granted).granted),
    correct: ([correction], answer) =>
      listener.claimed(name, (correction as Correction).claims, (answer as Granted).granted),
    execute: ([commands], answer, now) =>
      listener.acted(name, commands as Command[], (answer as { changed: boolean[] }).changed, now),
    erase: (_args, answer) => listener.erased(name, answer as Tombstone),
  };
  const words: { [method in string]?: (args: unknown[]) => string } = {
    claim: ([claims]) => `claim ${(claims as Claim[]).length} of`,
    execute: ([commands]) => (commands as Command[]).map(({ kind }) => kind).join(),
  };
  return stubOf(
    gated,
    Contact,
    (method, args) => `${words[method]?.(args) ?? method} ${name}`,
    async (method, args) => {
      const now = Date.now();
      const answer = await callWithin(name, method, args);
      tell[method]?.(args, answer, now);
      return answer;
    },
  );
}

interface Granted {
  granted: boolean[];
}

/**
 * Calls the object from within, which takes a sixth of the time of a call from the test's Worker. Arguments and answer are
 * copied, as on their way to an object.
 */
async function callWithin(name: string, method: string, args: unknown[]): Promise<unknown> {
  return await runInDurableObject(env.CONTACTS.getByName(name), async (instance: unknown) => {
    const own = instance as Record<string, (...args: unknown[]) => unknown>;
    return structuredClone(await own[method]?.(...structuredClone(args)));
  });
}

/** The Worker's calls of a pipe's object, which makes no calls of its own meanwhile. */
function pipeOf(gated: Gated, pipes: PipeObjects, id: string): unknown {
  return stubOf(
    gated,
    Pipe,
    (method) => `${method} ${id}`,
    async (method, args) => {
      const pipe = pipes(id) as unknown as Record<string, (...args: unknown[]) => unknown>;
      return await pipe[method]?.(...args);
    },
  );
}

/** Statements are the real ones, wrapped, so that running one waits at the gate like a batch does. */
function databaseOf(gated: Gated, wrote: () => void): unknown {
  const real = new WeakMap<object, D1PreparedStatement>();
  const noted = (results: D1Result[]): D1Result[] => {
    if (results.some(({ meta }) => meta.rows_written > 0)) wrote();
    return results;
  };
  const wrap = (statement: D1PreparedStatement): object => {
    const wrapped = {
      bind: (...values: unknown[]) => wrap(statement.bind(...values)),
      all: gated(
        () => "query",
        async () => await statement.all(),
      ),
      first: gated(
        () => "query",
        async (column?: string) =>
          column === undefined ? await statement.first() : await statement.first(column),
      ),
      run: gated(
        () => "query",
        async () => noted([await statement.run()])[0],
      ),
    };
    real.set(wrapped, statement);
    return wrapped;
  };
  const database = {
    prepare: (sql: string) => wrap(env.DB.prepare(sql)),
    withSession: () => ({ ...database, getBookmark: () => null }),
    batch: gated(
      ([statements]: [object[]]) => `store ${statements.length}`,
      async (statements) => noted(await env.DB.batch(statements.flatMap((one) => real.get(one) ?? []))),
    ),
  };
  return database;
}
