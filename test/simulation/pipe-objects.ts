// Pipes' objects in the simulation: the real class on a real object's storage, but with an alarm that the history
// triggers, with bindings that wait at the gate, and with random evictions and deaths. All of them live in one object
// of the runtime, each under its own key prefix, because a storage may only be used within its object.

import { Pipe } from "../../src/pipes/pipe.ts";
import type { FeedPosition } from "../../src/store/feed-position.ts";
import type { Retry } from "../../src/pipes/retries.ts";
import type { Runner } from "./gate.ts";

/** The part of an object's state that the checks read: from its storage, not from its memory. */
export interface Stored {
  state: {
    positions: { events: FeedPosition; notices: FeedPosition };
    ahead: string[];
    circuit: { until: number } | null;
    given_up: number;
    delivered_at: number | null;
  } | null;
  retries: Pick<Retry, "feed" | "seq" | "id">[];
  redeliveries: number;
}

/** All objects of pipes. */
export interface Objects {
  /** The object of this id, which is created if none is running. */
  of(this: void, id: string): Pipe;
  /** When its alarm goes off, ms; null for none. */
  alarmOf(id: string): number | null;
  /** Runs its alarm with the bindings of `runner`. */
  ring(id: string, runner: Runner, bindings: Env): Promise<void>;
  /** Called when the alarm's run has ended. The platform repeats the alarm if the run died. */
  rung(id: string, died: boolean, now: number): void;
  /** The run of its alarm in progress. */
  runnerOf(id: string): Runner | null;
  /** Evicts the object: only its storage remains. */
  evict(id: string): void;
  stored(id: string): Stored;
  /** The whole storage, as text. */
  dump(): string;
}

interface Slot {
  pipe: Pipe | null;
  alive: { yes: boolean };
  runner: Runner | null;
  /** Whether its alarm was deleted while it ran, so that the alarm is not repeated. */
  cancelled: boolean;
  /** The bindings of the last alarm's run. */
  bindings: Env;
}

/** `state`: the state of an object that has no other use. Its storage is emptied. */
export async function makeObjects({ storage }: DurableObjectState): Promise<Objects> {
  await storage.deleteAll();
  const slots = new Map<string, Slot>();
  const alarms = new Map<string, number>();
  const tables = new Set<string>();
  const nobody = (): Slot => ({
    pipe: null,
    alive: { yes: true },
    runner: null,
    cancelled: false,
    bindings: {} as Env,
  });
  const slotOf = (id: string): Slot => {
    const slot = slots.get(id) ?? nobody();
    slots.set(id, slot);
    return slot;
  };

  /** Further attempts of a dead object must have no effect. */
  const storageFor = (id: string, alive: Slot["alive"]): unknown => {
    const living = (): void => {
      if (!alive.yes) throw new Error("the object has died");
    };
    const key = (name: string): string => `${id}/${name}`;
    const own = ["retries", "redeliveries"].map((name) => `${name}_${id}`);
    return {
      kv: {
        get: (name: string) => (living(), storage.kv.get(key(name))),
        put: (name: string, value: unknown) => (living(), storage.kv.put(key(name), value)),
      },
      sql: {
        exec: (sql: string, ...values: SqlStorageValue[]) => {
          living();
          const renamed = sql.replaceAll(/\b(retries|redeliveries)\b/g, `$1_${id}`);
          for (const table of own) if (renamed.includes(table)) tables.add(table);
          return storage.sql.exec(renamed, ...values);
        },
      },
      deleteAll: async () => {
        living();
        for (const [name] of storage.kv.list({ prefix: key("") })) storage.kv.delete(name);
        for (const table of own) if (tables.delete(table)) storage.sql.exec(`DROP TABLE IF EXISTS ${table}`);
      },
      setAlarm: async (at: number) => (living(), void alarms.set(id, at)),
      getAlarm: async () => alarms.get(id) ?? null,
      deleteAlarm: async () => {
        living();
        alarms.delete(id);
        slotOf(id).cancelled = true;
      },
    };
  };

  const evict: Objects["evict"] = (id) => {
    const slot = slots.get(id);
    if (slot === undefined || slot.runner !== null) return; // an object at work is not idle
    slot.alive.yes = false;
    slots.delete(id);
  };

  const objects: Objects = {
    of: (id) => {
      const slot = slotOf(id);
      if (slot.pipe === null) {
        slot.pipe = makePipe(storageFor(id, slot.alive), slot.bindings);
      }
      return slot.pipe;
    },
    alarmOf: (id) => alarms.get(id) ?? null,
    ring: async (id, runner, bindings) => {
      alarms.delete(id);
      const pipe = objects.of(id);
      const slot = slotOf(id);
      slot.runner = runner;
      slot.cancelled = false;
      Object.assign(slot.bindings, bindings);
      await pipe.alarm();
    },
    rung: (id, died, now) => {
      const slot = slotOf(id);
      slot.runner = null;
      if (!died) return;
      evict(id);
      if (!slot.cancelled) alarms.set(id, Math.min(alarms.get(id) ?? Infinity, now));
    },
    runnerOf: (id) => slots.get(id)?.runner ?? null,
    evict,
    stored: (id) => ({
      state: storage.kv.get<NonNullable<Stored["state"]>>(`${id}/state`) ?? null,
      retries: tables.has(`retries_${id}`)
        ? (storage.sql
            .exec(`SELECT feed, seq, id FROM retries_${id}`)
            .toArray() as unknown as Stored["retries"])
        : [],
      redeliveries: tables.has(`redeliveries_${id}`)
        ? storage.sql.exec(`SELECT 1 FROM redeliveries_${id}`).toArray().length
        : 0,
    }),
    dump: () => {
      const rows = [...tables].map((table) => storage.sql.exec(`SELECT * FROM ${table}`).toArray());
      return JSON.stringify([[...storage.kv.list()], rows]);
    },
  };
  return objects;
}

/**
 * The unchanged class, on a base class that accepts any storage, because the runtime's base class accepts only its own.
 */
function makePipe(storage: unknown, bindings: Env): Pipe {
  const base: unknown = Object.getPrototypeOf(Pipe);
  Object.setPrototypeOf(Pipe, function (this: object) {
    return Object.assign(Object.create(Pipe.prototype), { ctx: { storage }, env: bindings });
  });
  try {
    return new Pipe({ storage } as DurableObjectState, bindings);
  } finally {
    Object.setPrototypeOf(Pipe, base as object);
  }
}
