// Pipes' objects as the simulation runs them: the real class on a real object's storage, but with an alarm that goes
// off when the history says so, with bindings that wait at the gate, and evicted or dead whenever that is drawn. All of
// them live in one object of the runtime, each under names of its own, because only within its object may a storage be
// used.

import { Pipe } from "../../src/pipes/pipe.ts";
import type { FeedPosition } from "../../src/store/feed-position.ts";
import type { Retry } from "../../src/pipes/retries.ts";
import type { Runner } from "./gate.ts";

/** What the check reads of an object: as it is stored, not as it remembers it. */
export interface Stored {
  state: {
    positions: { events: FeedPosition; notices: FeedPosition };
    ahead: string[];
    circuit: { until: number } | null;
    redeliveries: unknown[];
    given_up: number;
  } | null;
  retries: Pick<Retry, "feed" | "seq" | "id">[];
}

export interface Objects {
  /** The object of this id, made where none is running. */
  of(this: void, id: string): Pipe;
  /** When its alarm goes off, ms; null for none. */
  alarmOf(id: string): number | null;
  /** Runs its alarm by the bindings of `runner`. */
  ring(id: string, runner: Runner, bindings: Env): Promise<void>;
  /** The alarm's run has ended. Of one that died the platform runs the alarm again. */
  rung(id: string, died: boolean, now: number): void;
  /** What runs its alarm just now. */
  runnerOf(id: string): Runner | null;
  /** Nothing stays of it but what is stored. */
  evict(id: string): void;
  stored(id: string): Stored;
  /** All that is stored, as text. */
  dump(): string;
}

interface Slot {
  pipe: Pipe | null;
  alive: { yes: boolean };
  runner: Runner | null;
  /** Whether its alarm was deleted while it ran: then it is not run again. */
  cancelled: boolean;
  /** Those of the run that rang last. */
  bindings: Env;
}

/** `state`: of an object that nothing else uses. */
export function makeObjects(state: DurableObjectState): Objects {
  const { storage } = state;
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

  /** What an object that has died may still try must not take effect. */
  const storageFor = (id: string, alive: Slot["alive"]): unknown => {
    const living = (): void => {
      if (!alive.yes) throw new Error("the object has died");
    };
    const key = (name: string): string => `${id}/${name}`;
    const table = `retries_${id}`;
    return {
      kv: {
        get: (name: string) => (living(), storage.kv.get(key(name))),
        put: (name: string, value: unknown) => (living(), storage.kv.put(key(name), value)),
      },
      sql: {
        exec: (sql: string, ...values: SqlStorageValue[]) => {
          living();
          tables.add(table);
          return storage.sql.exec(sql.replaceAll(/\bretries\b/g, table), ...values);
        },
      },
      deleteAll: async () => {
        living();
        for (const [name] of storage.kv.list({ prefix: key("") })) storage.kv.delete(name);
        if (tables.delete(table)) storage.sql.exec(`DROP TABLE IF EXISTS ${table}`);
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
    if (slot === undefined || slot.runner !== null) return; // one that is at work is not idle
    slot.alive.yes = false;
    slots.delete(id);
  };

  return {
    of: (id) => {
      const slot = slotOf(id);
      if (slot.pipe === null) {
        slot.pipe = makePipe(storageFor(id, slot.alive), slot.bindings);
      }
      return slot.pipe;
    },
    alarmOf: (id) => alarms.get(id) ?? null,
    async ring(id, runner, bindings) {
      alarms.delete(id);
      const pipe = this.of(id);
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
    }),
    dump: () => {
      const rows = [...tables].map((table) => storage.sql.exec(`SELECT * FROM ${table}`).toArray());
      return JSON.stringify([[...storage.kv.list()], rows]);
    },
  };
}

/** The class as it is, on a base that takes any storage: the runtime's own takes none but its own. */
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
