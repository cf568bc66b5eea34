// The real bindings with calls made to fail: one call, before it takes effect, after it took effect, or with the whole
// process gone from there on; or every transaction of the database.

/** How a call fails: before its effect, after it, or with the whole process. */
export type Fault = "before" | "after" | "death";

/** What the log says of a call that `faulty` let fail. */
export const FAULT = /Error: call \d+ failed \((?:before|after|death)\)/;
/** What the log says of a transaction that `withoutDatabase` let fail. */
export const DATABASE_FAULT = /Error: D1_ERROR: it went away/;

class Fell extends Error {}

type Guard = <T>(work: () => Promise<T>) => Promise<T>;

/** Bindings whose k-th call (from 1) fails; `calls()` returns the number of calls so far. */
export function faulty(
  bindings: Env,
  k: number,
  fault: Fault,
): { bindings: Env; calls(): number; dead(): boolean } {
  let calls = 0;
  let dead = false;
  const guard: Guard = async (work) => {
    const index = ++calls;
    if (dead) return await new Promise(() => {}); // nobody is there to hear of it
    if (index !== k) return await work();
    if (fault === "after" || fault === "death") await work();
    dead = fault === "death";
    throw new Fell(`call ${index} failed (${fault})`);
  };
  return { bindings: guarded(bindings, guard), calls: () => calls, dead: () => dead };
}

/** Bindings before whose k-th call (from 1) another action runs, from beginning to end. */
export function interrupted(
  bindings: Env,
  k: number,
  act: () => Promise<unknown>,
): { bindings: Env; calls(): number } {
  let calls = 0;
  const guard: Guard = async (work) => {
    calls += 1;
    if (calls === k) await act();
    return await work();
  };
  return { bindings: guarded(bindings, guard), calls: () => calls };
}

/**
 * Bindings whose databases fail every transaction: before the transaction takes effect, or after it, so that only the
 * answer is lost. Single statements work.
 */
export function withoutDatabase(bindings: Env, fault: "before" | "after" = "before"): Env {
  const guard: Guard = async (work) => {
    if (fault === "after") await work();
    throw new Error("D1_ERROR: it went away");
  };
  return { ...bindings, ...guardedDatabases(bindings, guard) };
}

/** All databases of these bindings, with a guard around their transactions. */
function guardedDatabases(bindings: Env, guard: Guard): { DB: D1Database } & Record<string, D1Database> {
  const others = Object.entries(bindings).filter(([name]) => /^DB_\d+$/.test(name));
  const guarded = others.map(([name, db]) => [name, guardedCalls(db as D1Database, ["batch"], guard)]);
  return {
    ...(Object.fromEntries(guarded) as Record<string, D1Database>),
    DB: guardedCalls(bindings.DB, ["batch"], guard),
  };
}

/** The target with a guard around its methods of these names. */
function guardedCalls<T extends object>(target: T, names: readonly string[], guard: Guard): T {
  return new Proxy(target, {
    get(from, name) {
      const value: unknown = Reflect.get(from, name, from);
      if (typeof value !== "function") return value;
      const call = (...args: unknown[]): unknown => Reflect.apply(value, from, args);
      return names.includes(String(name))
        ? async (...args: unknown[]) => await guard(async () => await (call(...args) as Promise<unknown>))
        : call;
    },
  });
}

function guarded(bindings: Env, guard: Guard): Env {
  const contacts = new Proxy(bindings.CONTACTS, {
    get: (from, name) =>
      name === "getByName"
        ? (address: string) => guardedObject(() => from.getByName(address), guard)
        : Reflect.get(from, name, from),
  });
  return {
    ...bindings,
    QUEUE: guardedCalls(bindings.QUEUE, ["send", "sendBatch"], guard),
    BUCKET: guardedCalls(bindings.BUCKET, ["put", "get", "delete", "list"], guard),
    ...guardedDatabases(bindings, guard),
    CONTACTS: contacts,
  };
}

/** An object every call of which is guarded, whatever its methods are. */
function guardedObject(object: () => object, guard: Guard): object {
  return new Proxy(
    {},
    {
      get:
        (_, name) =>
        async (...args: unknown[]) =>
          await guard(async () => {
            const stub = object() as Record<PropertyKey, (...args: unknown[]) => Promise<unknown>>;
            return await stub[name]?.(...args);
          }),
    },
  );
}
