// Bindings that count what the platform would bill, and pass everything on. The objects count in the same place, because
// they live in the isolate of their Worker.

import { Contact, Pipe } from "../../../src/index.ts";
import { SeenContact } from "../candidates/tutorial.ts";
import { clock } from "./clock.ts";

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

/** D1 rows written, by the table that a statement names first; what triggers write counts to it, too. */
export const rowsByTable = new Map<string, number>();

const WRITES = /\b(?:INSERT(?: OR \w+)? INTO|UPDATE|DELETE FROM)\s+(\w+)/;

function addMeta({ meta }: D1Result, sql: string): void {
  counts.d1RowsWritten += meta.rows_written;
  counts.d1RowsRead += meta.rows_read;
  if (meta.rows_written === 0) return;
  const table = WRITES.exec(sql)?.[1] ?? "others";
  rowsByTable.set(table, (rowsByTable.get(table) ?? 0) + meta.rows_written);
}

/** Makes a call; whoever wants to know how long the database takes gives one that looks at the clock. */
export type Caller = <T>(call: () => Promise<T>) => Promise<T>;

const direct: Caller = async (call) => await call();

/** A database, or a session of one, as far as Tidings and the tutorial use them. */
export function countedDatabase(db: D1Database, caller: Caller = direct): D1Database {
  const withSession = (bookmark?: string): unknown => {
    const session = db.withSession(bookmark);
    return { ...countedCalls(session, caller), getBookmark: () => session.getBookmark() };
  };
  return { ...countedCalls(db, caller), withSession } as unknown as D1Database;
}

interface CountedStatement {
  native: D1PreparedStatement;
  sql: string;
  bind(...values: unknown[]): CountedStatement;
  run(): Promise<D1Result>;
  all(): Promise<D1Result>;
  first(column?: string): Promise<unknown>;
}

function countedCalls(db: Pick<D1Database, "prepare" | "batch">, caller: Caller) {
  const counted = (native: D1PreparedStatement, sql: string): CountedStatement => {
    const run = async (): Promise<D1Result<Record<string, unknown>>> => {
      const result = await caller(async () => await native.run());
      addMeta(result, sql);
      return result;
    };
    const first = async (column?: string): Promise<unknown> => {
      const [row = null] = (await run()).results;
      return column === undefined || row === null ? row : row[column];
    };
    return { native, sql, bind: (...values) => counted(native.bind(...values), sql), run, all: run, first };
  };
  const batch = async (statements: readonly CountedStatement[]) => {
    const results = await caller(async () => await db.batch(statements.map(({ native }) => native)));
    for (const [i, result] of results.entries()) addMeta(result, statements[i]?.sql ?? "");
    return results;
  };
  return { prepare: (sql: string) => counted(db.prepare(sql), sql), batch };
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

/** A put, a delete and setting the alarm are a row each, and the end of an object as many as it has keys. */
function countedState(ctx: DurableObjectState): DurableObjectState {
  const row = () => void (counts.objectRows += 1);
  const { kv } = ctx.storage;
  const all = () => void (counts.objectRows += [...kv.list()].length);
  const countedKv = intercept(kv, { put: row, delete: row });
  const storage = intercept(ctx.storage, { setAlarm: row, deleteAll: all }, { kv: countedKv });
  return intercept(ctx, {}, { storage });
}

export class CountedContact extends Contact {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    Object.defineProperty(this, "ctx", { value: countedState(ctx) });
  }

  /** What the platform does when the time has come. */
  async ring(): Promise<void> {
    await this.alarm();
  }
}

/** What failed alone is left out: its table is written by SQL, and only where something fails. */
export class CountedPipe extends Pipe {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, { ...env, DB: countedDatabase(env.DB) });
    Object.defineProperty(this, "ctx", { value: countedState(ctx) });
  }

  override async alarm(): Promise<void> {
    counts.objectRequests += 1;
    const began = await clock();
    await super.alarm();
    counts.ms += (await clock()) - began;
  }
}

export class CountedSeenContact extends SeenContact {
  protected override exec(sql: string, ...values: (string | number)[]): number {
    const written = super.exec(sql, ...values);
    counts.objectRows += written;
    return written;
  }
}
