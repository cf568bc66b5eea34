// Bindings that count what the platform would bill, and pass everything on. The objects count in the same place, because
// they live in the isolate of their Worker.

import { Contact } from "../../../src/index.ts";
import { SeenContact } from "../candidates/tutorial.ts";

/** What is billed; rows as D1 and the objects' own SQL report them. */
export interface Counts {
  requests: number;
  queueOperations: number;
  objectRequests: number;
  objectRows: number;
  d1RowsWritten: number;
  d1RowsRead: number;
  r2Writes: number;
  r2Reads: number;
  /** Wall time in the handlers, ms: more than the CPU time that is billed. */
  ms: number;
}

export const NOTHING: Readonly<Counts> = {
  requests: 0,
  queueOperations: 0,
  objectRequests: 0,
  objectRows: 0,
  d1RowsWritten: 0,
  d1RowsRead: 0,
  r2Writes: 0,
  r2Reads: 0,
  ms: 0,
};

export const counts: Counts = { ...NOTHING };

/** Queue operations are billed by 64 KB: one to write, one to read, one to delete. */
const UNIT = 64_000;

export function countMessage(bytes: number): void {
  counts.queueOperations += 3 * Math.max(1, Math.ceil(bytes / UNIT));
}

/** Intercepts some methods of a native object; the others, and the object's own, stay what they are. */
function intercept<T extends object>(
  target: T,
  methods: Record<string, (...args: never[]) => unknown>,
  members: Record<string, unknown> = {},
): T {
  return new Proxy(target, {
    get(from, name) {
      const key = String(name);
      if (Object.hasOwn(members, key)) return members[key];
      const value: unknown = Reflect.get(from, name, from);
      if (typeof value !== "function") return value;
      return (...args: never[]) => {
        if (Object.hasOwn(methods, key)) methods[key]?.(...args);
        return Reflect.apply(value, from, args) as unknown;
      };
    },
  });
}

function addMeta({ meta }: D1Result): void {
  counts.d1RowsWritten += meta.rows_written;
  counts.d1RowsRead += meta.rows_read;
}

export function countedDatabase(db: D1Database): D1Database {
  const prepare = (sql: string) => ({
    bind: (...values: unknown[]) => {
      const statement = db.prepare(sql).bind(...values);
      const run = async () => {
        const result = await statement.run();
        addMeta(result);
        return result;
      };
      return { native: statement, run };
    },
  });
  const batch = async (statements: ReturnType<ReturnType<typeof prepare>["bind"]>[]) => {
    const results = await db.batch(statements.map(({ native }) => native));
    for (const result of results) addMeta(result);
    return results;
  };
  return { prepare, batch } as unknown as D1Database;
}

export function countedBucket(bucket: R2Bucket): R2Bucket {
  const write = () => void (counts.r2Writes += 1);
  const read = () => void (counts.r2Reads += 1);
  return intercept(bucket, { put: write, list: write, get: read, head: read });
}

/** Each call of an object is a request. */
export function countedNamespace<T extends { getByName(name: string): object }>(namespace: T): T {
  const getByName = (name: string): object =>
    new Proxy(namespace.getByName(name), {
      get: (stub, method) => {
        counts.objectRequests += 1;
        return Reflect.get(stub, method, stub) as unknown;
      },
    });
  return { getByName } as unknown as T;
}

/** Tidings' object: a put, a delete and setting the alarm are a row each, and the end of it as many as it has keys. */
export class CountedContact extends Contact {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const row = () => void (counts.objectRows += 1);
    const { kv } = ctx.storage;
    const all = () => void (counts.objectRows += [...kv.list()].length);
    const countedKv = intercept(kv, { put: row, delete: row });
    const storage = intercept(ctx.storage, { setAlarm: row, deleteAll: all }, { kv: countedKv });
    Object.defineProperty(this, "ctx", { value: intercept(ctx, {}, { storage }) });
  }

  /** What the platform does when the time has come. */
  async ring(): Promise<void> {
    await this.alarm();
  }
}

export class CountedSeenContact extends SeenContact {
  protected override exec(sql: string, ...values: (string | number)[]): number {
    const written = super.exec(sql, ...values);
    counts.objectRows += written;
    return written;
  }
}
