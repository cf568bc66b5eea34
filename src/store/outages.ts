// The bindings, wrapped so that outages can be distinguished from bugs: if a call of the database, the bucket, a queue
// or an object fails because of an outage, the error is tagged as one (src/lib/outage.ts). The entry points wrap their
// bindings once, so that no call is forgotten.

import { isCodeError, outageOf } from "../lib/outage.ts";
import { REFUSAL } from "./refusal.ts";

const wrapped = new WeakMap<object, Env>();
const originals = new WeakMap<object, object>();

/**
 * The bindings with their failures tagged. Returns the same object for the same bindings, and wrapped bindings as they
 * are.
 */
export function withOutages(env: Env): Env {
  if (originals.has(env)) return env;
  const known = wrapped.get(env);
  if (known !== undefined) return known;
  const wrapper = new Proxy(env, {
    get: (from, name) => guardedBinding(name, Reflect.get(from, name)),
  });
  wrapped.set(env, wrapper);
  originals.set(wrapper, env);
  return wrapper;
}

const bindings = new WeakMap<object, object>();

/** A binding as it is handed out: guarded once, so that it can be remembered by. Variables and secrets stay as they are. */
function guardedBinding(name: string | symbol, value: unknown): unknown {
  const guardIt = typeof name === "string" ? guardOf(name) : undefined;
  if (guardIt === undefined || typeof value !== "object" || value === null) return value;
  const known = bindings.get(value);
  if (known !== undefined) return known;
  const wrapper = guardIt(value);
  bindings.set(value, wrapper);
  return wrapper;
}

/** The bindings as the platform passed them. Caches that are keyed by bindings need these. */
export function originalOf(env: object): object {
  return originals.get(env) ?? env;
}

const CALLS = {
  bucket: new Set(["get", "put", "delete", "list", "head"]),
  queue: new Set(["send", "sendBatch"]),
  statement: new Set(["first", "run", "all", "raw"]),
} as const;

type Guard = (error: unknown) => unknown;

/** Bucket and queue: every failure is an outage, except a mistake in our own code. */
const theirs =
  (service: string): Guard =>
  (error) =>
    isCodeError(error) ? error : outageOf(service, error);

/** D1's errors for statements and values that it will never accept, however often they are tried. */
const REFUSED =
  /D1_TYPE_ERROR|SQLITE_(?:ERROR|CONSTRAINT|MISMATCH|RANGE|TOOBIG|MISUSE)|Wrong number of parameter bindings/;
/** D1's errors when the database has reached its largest size: it refuses every write, and reading goes on. */
const FULL =
  /SQLITE_FULL|database or disk is full|(?:exceeded|reached) (?:the )?maximum (?:DB|database) size/i;

/** Whether the database refused a write because it is full. */
export function isFull(error: unknown): boolean {
  return FULL.test(String(error));
}

/** Whether a transaction failed because a statement of it refused: the fence (shards/fence.ts), or one for an erasure. */
export function isRefusal(error: unknown): boolean {
  return REFUSAL.test(String(error));
}

const ofDatabase: Guard = (error) => {
  const text = String(error);
  const bug = isCodeError(error) || (REFUSED.test(text) && !REFUSAL.test(text));
  return bug ? error : outageOf("the database", error);
};

/**
 * Objects: an error that our own code threw inside the object has `remote` and none of the flags that the platform adds
 * if it could not run that code (https://developers.cloudflare.com/durable-objects/best-practices/error-handling/).
 */
const ofObject =
  (service: string): Guard =>
  (error) => {
    if (isCodeError(error)) return error;
    const flags = (typeof error === "object" && error !== null ? error : {}) as Record<string, unknown>;
    const passing = ["retryable", "overloaded", "durableObjectReset"].some((name) => flags[name] === true);
    return flags["remote"] === true && !passing ? error : outageOf(service, error);
  };

/** The target with these methods guarded. All other methods work as before. */
function guarded<T extends object>(target: T, service: string, names: ReadonlySet<string>): T {
  return watch(target, (call, name) => (names.has(name) ? guard(call, theirs(service)) : call));
}

type Call = (...args: unknown[]) => unknown;

/** A proxy for the target. `change` gets each method, by name, and returns the one to use instead. */
function watch<T extends object>(target: T, change: (call: Call, name: string) => Call): T {
  return new Proxy(target, {
    get(from, name) {
      const value: unknown = Reflect.get(from, name, from);
      if (typeof value !== "function" || typeof name === "symbol") return value;
      return change((...args) => Reflect.apply(value, from, args) as unknown, name);
    },
  });
}

/** The call with its failure tagged, whether it throws or its promise rejects. */
function guard(call: Call, tag: Guard): Call {
  return async (...args) => {
    try {
      return await call(...args);
    } catch (error) {
      throw tag(error);
    }
  };
}

/** The same for calls that throw at once and return no promise: prepare and bind. */
function guardNow(call: Call, tag: Guard): Call {
  return (...args) => {
    try {
      return call(...args);
    } catch (error) {
      throw tag(error);
    }
  };
}

/** Wrapped statement -> the database's own, which `batch` needs. */
const statements = new WeakMap<object, D1PreparedStatement>();

function statementOf(statement: D1PreparedStatement): D1PreparedStatement {
  const wrapper = watch(statement, (call, name) => {
    if (name === "bind") {
      const bind = guardNow(call, ofDatabase);
      return (...values) => statementOf(bind(...values) as D1PreparedStatement);
    }
    return CALLS.statement.has(name) ? guard(call, ofDatabase) : call;
  });
  statements.set(wrapper, statement);
  return wrapper;
}

/** Wraps a database or a session of it. */
function databaseOf<T extends object>(database: T): T {
  return watch(database, (call, name) => {
    const now = guardNow(call, ofDatabase);
    if (name === "prepare") return (...args) => statementOf(now(...args) as D1PreparedStatement);
    if (name === "withSession") return (...args) => databaseOf(now(...args) as object);
    if (name === "batch") {
      const batch = guard(call, ofDatabase);
      return (given) =>
        batch((given as D1PreparedStatement[]).map((statement) => statements.get(statement) ?? statement));
    }
    return name === "exec" ? guard(call, ofDatabase) : call;
  });
}

/** Wraps a namespace of objects. Every method of an object is guarded, whatever its name. */
function namespaceOf<T extends object>(namespace: T, service: string): T {
  const tag = ofObject(service);
  return watch(namespace, (call, name) => {
    if (name === "getByName") return (...args) => stubOf(call(...args) as object, tag);
    return name === "jurisdiction" ? (...args) => namespaceOf(call(...args) as object, service) : call;
  });
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

/** The guard of a binding; undefined if it needs none. Further databases are called DB_1, DB_2, ... */
function guardOf(name: string): ((binding: object) => object) | undefined {
  if (/^DB_\d{1,3}$/.test(name)) return databaseOf;
  return Object.hasOwn(GUARDED, name) ? GUARDED[name] : undefined;
}

const GUARDED: Readonly<Record<string, (binding: object) => object>> = {
  DB: databaseOf,
  BUCKET: (bucket) => guarded(bucket, "the bucket", CALLS.bucket),
  QUEUE: (queue) => guarded(queue, "the queue", CALLS.queue),
  CONTACTS: (contacts) => namespaceOf(contacts as Env["CONTACTS"], "a contact"),
  PIPES: (pipes) => namespaceOf(pipes as Env["PIPES"], "a pipe"),
};
