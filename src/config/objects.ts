// The way to the Durable Objects: the only module that makes an object's name into a stub. Each object is reached in the
// jurisdiction that STORAGE.jurisdiction names (https://developers.cloudflare.com/durable-objects/reference/data-location/),
// and none is reached if the objects of this deployment were made in another one: it would be a new, empty object. Such
// calls fail as during an outage, so what needs them waits until the setting is put back.

import { within } from "../lib/deadline.ts";
import { outageOf } from "../lib/outage.ts";
import { storeOf } from "../store/db.ts";
import { noteJurisdiction } from "../store/jurisdiction.ts";
import { configOf } from "./config.ts";
import type { WantedJurisdiction } from "./jurisdiction.ts";

/** How long to wait for the database, ms. */
const DEADLINE = 10_000;

/** The object of a contact; `contact`: the address, normalised. */
export function contactOf(env: Env, contact: string): ReturnType<Env["CONTACTS"]["getByName"]> {
  return objectOf(env, env.CONTACTS, contact);
}

/** The object of a pipe; `id`: the pipe's. */
export function pipeOf(env: Env, id: string): ReturnType<Env["PIPES"]["getByName"]> {
  return objectOf(env, env.PIPES, id);
}

/**
 * Rejects with an outage if the objects of this deployment lie in another jurisdiction than the configured one. Every
 * call of an object does this by itself; who is about to make many at once does it before, so that they need not all
 * ask the database. It asks once for each isolate.
 */
export async function checkJurisdiction(env: Env): Promise<void> {
  const { jurisdiction } = configOf(env);
  if (jurisdiction === "unknown") throw refusal("has a mistake");
  const db = storeOf(env);
  const noted =
    known.get(db) ?? (await within(DEADLINE, "the database", noteJurisdiction(db, jurisdiction, Date.now())));
  known.set(db, noted);
  if (noted !== jurisdiction) throw refusal(differenceOf(jurisdiction, noted));
}

/** Says that the setting and the objects differ. Both are words of ours. */
export function differenceOf(wanted: WantedJurisdiction, noted: string): string {
  return `is ${wanted}, but the objects of this deployment were made with ${noted}`;
}

/**
 * The jurisdiction that the runtime gives objects: of an object's id, undefined if an id does not tell; "none" if the
 * setting or the runtime makes no difference.
 */
export function objectsLieIn(env: Env): string | undefined {
  const { jurisdiction } = configOf(env);
  const namespace = partOf(env.CONTACTS, jurisdiction);
  return namespace === env.CONTACTS ? "none" : namespace.idFromName("any").jurisdiction;
}

/** Database -> the jurisdiction that it has noted, which never changes. */
const known = new WeakMap<object, string>();

const refusal = (reason: string): Error => outageOf("an object", new Error(`STORAGE.jurisdiction ${reason}`));

function objectOf<T extends Rpc.DurableObjectBranded>(
  env: Env,
  namespace: DurableObjectNamespace<T>,
  name: string,
): DurableObjectStub<T> {
  const { jurisdiction } = configOf(env);
  const stub = partOf(namespace, jurisdiction).getByName(name);
  return known.get(storeOf(env)) === jurisdiction ? stub : checked(env, stub);
}

/** A stub whose methods check the jurisdiction before they reach the object. */
function checked<T extends object>(env: Env, stub: T): T {
  return new Proxy(stub, {
    get(from, name) {
      const value: unknown = Reflect.get(from, name, from);
      if (typeof value !== "function" || typeof name === "symbol") return value;
      return async (...args: unknown[]) => {
        await checkJurisdiction(env);
        return (await Reflect.apply(value, from, args)) as unknown;
      };
    },
  });
}

/**
 * The part of the namespace in the jurisdiction. The local runtime has no jurisdictions and says so; there, the
 * namespace itself is all that there is, and it lies on this machine.
 */
function partOf<T extends Rpc.DurableObjectBranded>(
  namespace: DurableObjectNamespace<T>,
  jurisdiction: WantedJurisdiction,
): DurableObjectNamespace<T> {
  if (jurisdiction === "none" || jurisdiction === "unknown") return namespace;
  try {
    return namespace.jurisdiction(jurisdiction);
  } catch (error) {
    if (String(error).includes("not implemented in workerd")) return namespace;
    throw error;
  }
}
