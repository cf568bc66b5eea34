// The real bindings with one call made to fail: before it takes effect, after it took effect, or with the whole process
// gone from there on.

/** How a call fails: before its effect, after it, or with the whole process. */
export type Fault = "before" | "after" | "death";

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
    const own = ++calls;
    if (dead) return await new Promise(() => {}); // nobody is there to hear of it
    if (own !== k) return await work();
    if (fault === "after" || fault === "death") await work();
    dead = fault === "death";
    throw new Fell(`call ${own} failed (${fault})`);
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

function guarded(bindings: Env, guard: Guard): Env {
  const wrap = <T extends object>(target: T, names: readonly string[]): T =>
    new Proxy(target, {
      get(from, name) {
        const value: unknown = Reflect.get(from, name, from);
        if (typeof value !== "function") return value;
        const call = (...args: unknown[]): unknown => Reflect.apply(value, from, args);
        return names.includes(String(name))
          ? async (...args: unknown[]) => await guard(async () => await (call(...args) as Promise<unknown>))
          : call;
      },
    });
  const contacts = new Proxy(bindings.CONTACTS, {
    get: (from, name) =>
      name === "getByName"
        ? (address: string) => ({
            claim: async (claims: never[], elsewhere: string[]) =>
              await guard(async () => await from.getByName(address).claim(claims, elsewhere)),
            erase: async (id: string) => await guard(async () => await from.getByName(address).erase(id)),
          })
        : Reflect.get(from, name, from),
  });
  return {
    ...bindings,
    QUEUE: wrap(bindings.QUEUE, ["send", "sendBatch"]),
    BUCKET: wrap(bindings.BUCKET, ["put", "get", "delete", "list"]),
    DB: wrap(bindings.DB, ["batch"]),
    CONTACTS: contacts,
  };
}
