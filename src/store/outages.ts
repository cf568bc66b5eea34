// The bindings with their failures told apart: whatever a call of the database, the bucket, a queue or an object rejects
// with is tagged as an outage (src/lib/outage.ts) where it is one. The doors wrap their bindings once, so no call is
// forgotten.

import { isCodeError, outageOf } from "../lib/outage.ts";

const wrapped = new WeakMap<object, Env>();
const originals = new WeakMap<object, object>();

/** The bindings whose failures are tagged; the same object for the same bindings, and for itself. */
export function withOutages(env: Env): Env {
  if (originals.has(env)) return env;
  const known = wrapped.get(env);
  if (known !== undefined) return known;
  const own = new Proxy(env, {
    get: (from, name) => guardedBinding(name, Reflect.get(from, name)),
  });
  wrapped.set(env, own);
  originals.set(own, env);
  return own;
}

const bindings = new WeakMap<object, object>();

/** A binding as it is handed out: guarded once, so that it can be remembered by. Variables and secrets stay as they are. */
function guardedBinding(name: string | symbol, value: unknown): unknown {
  const guardIt = typeof name === "string" && Object.hasOwn(GUARDED, name) ? GUARDED[name] : undefined;
  if (guardIt === undefined || typeof value !== "object" || value === null) return value;
  const known = bindings.get(value);
  if (known !== undefined) return known;
  const own = guardIt(value);
  bindings.set(value, own);
  return own;
}

/** The bindings as the platform gave them, for what is remembered by them. */
export function originalOf(env: object): object {
  return originals.get(env) ?? env;
}

const CALLS = {
  bucket: new Set(["get", "put", "delete", "list", "head"]),
  queue: new Set(["send", "sendBatch"]),
  statement: new Set(["first", "run", "all", "raw"]),
} as const;

type Guard = (error: unknown) => unknown;

/** Bucket and queue: whatever is not the caller's own mistake is theirs. */
const theirs =
  (service: string): Guard =>
  (error) =>
    isCodeError(error) ? error : outageOf(service, error);

/** What D1 says of statements and values that it will never take, however often they come. */
const REFUSED =
  /D1_TYPE_ERROR|SQLITE_(?:ERROR|CONSTRAINT|MISMATCH|RANGE|TOOBIG|MISUSE)|Wrong number of parameter bindings/;
/** With this a transaction gives way to an erasure that is under way (src/store/write/slice.ts); it is to come again. */
const GIVES_WAY = /integer overflow/;

const ofDatabase: Guard = (error) => {
  const text = String(error);
  const bug = isCodeError(error) || (REFUSED.test(text) && !GIVES_WAY.test(text));
  return bug ? error : outageOf("the database", error);
};

/**
 * Objects: an error that our own code threw over there has `remote` and none of the flags that the platform adds where it
 * could not run that code (https://developers.cloudflare.com/durable-objects/best-practices/error-handling/).
 */
const ofObject =
  (service: string): Guard =>
  (error) => {
    if (isCodeError(error)) return error;
    const flags = (typeof error === "object" && error !== null ? error : {}) as Record<string, unknown>;
    const passing = ["retryable", "overloaded", "durableObjectReset"].some((name) => flags[name] === true);
    return flags["remote"] === true && !passing ? error : outageOf(service, error);
  };

/** The target with these methods guarded; all others work as before. */
function guarded<T extends object>(target: T, service: string, names: ReadonlySet<string>): T {
  return watch(target, (call, name) => (names.has(name) ? guard(call, theirs(service)) : call));
}

type Call = (...args: unknown[]) => unknown;

/** A proxy whose methods are what `change` makes of them. */
function watch<T extends object>(target: T, change: (call: Call, name: string) => Call): T {
  return new Proxy(target, {
    get(from, name) {
      const value: unknown = Reflect.get(from, name, from);
      if (typeof value !== "function" || typeof name === "symbol") return value;
      return change((...args) => Reflect.apply(value, from, args) as unknown, name);
    },
  });
}

/** The call, its failure tagged, be it thrown or the promise's. */
function guard(call: Call, tag: Guard): Call {
  return async (...args) => {
    try {
      return await call(...args);
    } catch (error) {
      throw tag(error);
    }
  };
}

/** A failure to prepare or bind is thrown at once. */
function guardNow(call: Call, tag: Guard): Call {
  return (...args) => {
    try {
      return call(...args);
    } catch (error) {
      throw tag(error);
    }
  };
}

/** Statement as it is handed out -> the database's own, which `batch` wants. */
const statements = new WeakMap<object, D1PreparedStatement>();

function statementOf(statement: D1PreparedStatement): D1PreparedStatement {
  const own = watch(statement, (call, name) => {
    if (name === "bind") {
      const bind = guardNow(call, ofDatabase);
      return (...values) => statementOf(bind(...values) as D1PreparedStatement);
    }
    return CALLS.statement.has(name) ? guard(call, ofDatabase) : call;
  });
  statements.set(own, statement);
  return own;
}

/** A database or a session of it. */
function databaseOf<T extends object>(database: T): T {
  return watch(database, (call, name) => {
    const now = guardNow(call, ofDatabase);
    if (name === "prepare") return (...args) => statementOf(now(...args) as D1PreparedStatement);
    if (name === "withSession") return (...args) => databaseOf(now(...args) as object);
    if (name === "batch") {
      const batch = guard(call, ofDatabase);
      return (given) => batch((given as D1PreparedStatement[]).map((one) => statements.get(one) ?? one));
    }
    return name === "exec" ? guard(call, ofDatabase) : call;
  });
}

/** Objects are called by their methods' names, whatever these are. */
function namespaceOf<T extends object>(namespace: T, service: string): T {
  const tag = ofObject(service);
  return watch(namespace, (call, name) =>
    name === "getByName" ? (...args) => stubOf(call(...args) as object, tag) : call,
  );
}

function stubOf(stub: object, tag: Guard): object {
  return new Proxy(stub, {
    get(from, name) {
      const value: unknown = Reflect.get(from, name, from);
      if (typeof value !== "function" || typeof name === "symbol") return value;
      return guard((...args) => Reflect.apply(value, from, args) as unknown, tag);
    },
  });
}

const GUARDED: Readonly<Record<string, (binding: object) => object>> = {
  DB: databaseOf,
  BUCKET: (bucket) => guarded(bucket, "the bucket", CALLS.bucket),
  QUEUE: (queue) => guarded(queue, "the queue", CALLS.queue),
  CONTACTS: (contacts) => namespaceOf(contacts as Env["CONTACTS"], "a contact"),
  PIPES: (pipes) => namespaceOf(pipes as Env["PIPES"], "a pipe"),
};
