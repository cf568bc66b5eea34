// Every call that a run of the Worker makes to a binding waits here until it is let through, one at a time, in an order that
// chance decides; or it fails, before or after it took effect; or it hangs; or the process that made it dies. Between two
// calls everybody runs until nobody can, so that the same seed gives the same run.

import { env } from "cloudflare:workers";
import { vi } from "vitest";
import type { Command } from "../../src/contact/commands.ts";
import type { Correction } from "../../src/contact/corrections.ts";
import type { Claim, Tombstone } from "../../src/contact/claims.ts";
import type { Random } from "../../src/demo/traffic/random.ts";
import type { Pipe } from "../../src/pipes/pipe.ts";

const setTimer = globalThis.setImmediate;
/** Short turns without any movement after which, if a long one brings none either, nobody can run any more. */
const CALM = 3;

/** ms after which the platform ends an invocation, by its documentation. */
const LONGEST_RUN = 15 * 60_000;

export type Fate =
  | "works"
  | "fails"
  | "works and fails"
  | "hangs"
  | "hangs and works"
  | "dies"
  | "works and dies";
const FAULTS = ["fails", "works and fails", "hangs", "hangs and works", "dies", "works and dies"] as const;

/** What becomes of calls that begin with these words; who waits does so until all others have ended. */
export interface Trap {
  at: string;
  fate: Fate | "waits";
}

interface Call {
  run: Runner;
  what: string;
  work: () => Promise<unknown>;
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
  /** Let through in part: takes effect some time later, and nobody hears of it. */
  unheard: boolean;
}

/** One invocation of the Worker. */
export interface Runner {
  name: string;
  /** ms by which its clock is off. */
  skew: number;
  start: (bindings: Env) => Promise<unknown>;
  outcome: { ended: "no" | "yes" | "died"; value: unknown };
}

export interface Gate {
  /** Runs them to their ends, at once. `faults`: probability for each call; `trap`: what becomes of the first one. */
  run(runners: readonly Runner[], faults: number, random: Random, trap?: Trap): Promise<void>;
  /** A call that something else than a binding makes within a run. */
  enter<T>(run: Runner, what: string, work: () => Promise<T>): Promise<T>;
  /** Lets time pass. */
  pass(ms: number): void;
  /** ms, by the clock that is right. */
  now(): number;
  /** What happened, a line each. */
  log: string[];
}

/** The queue's producer side as the simulation models it. */
export interface Producer {
  send(bodies: unknown[]): void;
  /** Is told of every frame that a runner tries to keep, in the queue or in the spool. */
  seen(frame: unknown, runner: Runner): void;
}

/** Is told what the contacts' objects took in, in the order in which they did; `now`: ms, by the clock that they saw. */
export interface Listener {
  claimed(contact: string, claims: readonly Claim[], granted: readonly boolean[]): void;
  acted(contact: string, orders: readonly Command[], changed: readonly boolean[], now: number): void;
  erased(contact: string, tombstone: Tombstone): void;
  /** A call of the database has taken effect. */
  stored(): Promise<void>;
}

/** The objects of pipes, by their ids. */
export type PipeObjects = (id: string) => Pipe;

/** Timers and dates must be faked already. `configuration`: vars and secrets for the Worker. */
export function makeGate(
  start: number,
  producer: Producer,
  listener: Listener,
  configuration: () => Record<string, unknown>,
  pipes: PipeObjects | null = null,
): Gate {
  const log: string[] = [];
  let clock = start;
  let calls: Call[] = [];
  let movements = 0;
  /** Whether a call may have changed the database since that was told. */
  let written = false;

  const enter = async <T>(run: Runner, what: string, work: () => Promise<T>): Promise<T> =>
    await new Promise((resolve, reject) => {
      movements += 1;
      if (run.outcome.ended === "died") return; // nobody is there to make the call
      calls.push({ run, what, work, resolve: (value) => resolve(value as T), reject, unheard: false });
    });

  const untilCalm = async (): Promise<void> => {
    for (let calm = 0; calm <= CALM;) {
      const before = movements;
      await (calm < CALM ? shortTurn() : longTurn());
      calm = before === movements ? calm + 1 : 0;
    }
  };

  const begin = (run: Runner): void => {
    const end = (value: unknown): void => {
      movements += 1;
      if (run.outcome.ended === "no") run.outcome = { ended: "yes", value };
    };
    vi.setSystemTime(clock + run.skew);
    run.start(bindingsOf(run)).then(end, (error: unknown) => end(error));
  };

  const die = (run: Runner): void => {
    run.outcome = { ended: "died", value: null };
    for (const call of calls) if (call.run === run) call.unheard = true;
  };

  const letThrough = async (call: Call, fate: Fate): Promise<void> => {
    clock += 1;
    vi.setSystemTime(clock + call.run.skew);
    log.push(`${call.run.name}: ${call.what}${fate === "works" ? "" : ` ${fate}`}`);
    if (fate === "hangs" || fate === "hangs and works") {
      if (fate === "hangs and works") calls.push({ ...call, unheard: true });
      return;
    }
    const answer = fate === "fails" || fate === "dies" ? null : await settled(call.work());
    await tellStored();
    if (fate === "dies" || fate === "works and dies") die(call.run);
    else if (fate !== "works" || answer === null) call.reject(new Error("the simulated call failed"));
    else if ("error" in answer) call.reject(answer.error);
    else call.resolve(answer.value);
    vi.setSystemTime(clock + call.run.skew);
  };

  const tellStored = async (): Promise<void> => {
    if (!written) return;
    written = false;
    await listener.stored();
  };

  const land = async (call: Call, takesEffect: boolean): Promise<void> => {
    log.push(`${call.run.name}: ${call.what} ${takesEffect ? "lands late" : "is lost"}`);
    vi.setSystemTime(clock + call.run.skew);
    if (takesEffect) await call.work().catch(() => null);
    await tellStored();
  };

  /** All that is left hangs: its deadlines pass, and what has none is ended by the platform. */
  const untilDeadline = (runners: readonly Runner[]): void => {
    const before = Date.now();
    movements += 1;
    if (vi.getTimerCount() > 0) {
      vi.advanceTimersToNextTimer();
      clock += Date.now() - before;
      return;
    }
    clock += LONGEST_RUN;
    for (const runner of runners.filter(({ outcome }) => outcome.ended === "no")) {
      log.push(`${runner.name}: hangs for good, and is ended`);
      die(runner);
    }
  };

  const run: Gate["run"] = async (runners, faults, random, trap) => {
    const troubled = new Set<Runner>();
    const [first, ...others] = runners;
    const trappedBy = ({ run, what }: Call): Trap["fate"] | null =>
      trap !== undefined && run === first && what.startsWith(trap.at) ? trap.fate : null;
    /** The first one goes ahead until it waits, and stays there until all others have ended. */
    const unlessWaiting = (ready: readonly Call[]): readonly Call[] => {
      if (trap?.fate !== "waits" || others.every(({ outcome }) => outcome.ended !== "no")) return ready;
      const free = ready.filter((call) => trappedBy(call) === null);
      const ahead = free.filter(({ run }) => run === first);
      return ahead.length > 0 ? ahead : free.length > 0 ? free : ready;
    };
    calls = [];
    for (const runner of runners) begin(runner);
    for (;;) {
      await untilCalm();
      const open = runners.some(({ outcome }) => outcome.ended === "no");
      if (!open) break;
      // In an order that does not depend on who came first within the calm.
      const heard = calls.filter(({ unheard }) => !unheard).sort(byName);
      const ready = unlessWaiting(heard.length > 0 && !random.chance(0.1) ? heard : calls.toSorted(byName));
      const call = heard.length > 0 ? ready[random.between(0, ready.length - 1)] : undefined;
      if (call === undefined) {
        untilDeadline(runners);
        continue;
      }
      calls.splice(calls.indexOf(call), 1);
      if (call.unheard) await land(call, random.chance(0.5));
      else {
        // Trouble seldom comes alone.
        const trapped = trappedBy(call) ?? "waits";
        const fails = random.chance(troubled.has(call.run) ? Math.max(faults, 0.5) : faults);
        if (fails) troubled.add(call.run);
        const fate = fails ? random.pick(FAULTS) : "works";
        await letThrough(call, trapped === "waits" ? fate : trapped);
      }
    }
    for (const call of calls.sort(byName)) await land(call, random.chance(0.5));
    calls = [];
    await untilCalm();
    vi.clearAllTimers();
  };

  const bindingsOf = (runner: Runner): Env => {
    const gated =
      <A extends unknown[], R>(what: (args: A) => string, work: (...args: A) => Promise<R>) =>
      async (...args: A): Promise<R> =>
        await enter(runner, what(args), async () => await work(...args));
    const answer = { metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } };
    const bucket: Pick<R2Bucket, "put" | "get" | "delete" | "list"> = {
      put: gated<Parameters<R2Bucket["put"]>, unknown>(
        ([key, value]) => {
          if (folderOf(key) === "spool") producer.seen(value, runner);
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
    const send = gated(
      ([bodies]: [unknown[]]) => {
        for (const body of bodies) producer.seen(body, runner);
        return `send ${bodies.length}`;
      },
      async (bodies) => producer.send(bodies),
    );
    return {
      ...env,
      ...configuration(),
      BUCKET: bucket,
      DB: databaseOf(gated, () => void (written = true)),
      QUEUE: {
        send: async (body: unknown) => (await send([body]), answer),
        sendBatch: async (messages: Iterable<{ body: unknown }>) => (
          await send([...messages].map(({ body }) => body)),
          answer
        ),
      },
      CONTACTS: {
        getByName: (name: string) => ({
          claim: gated(
            ([claims]: [Claim[], string[]]) => `claim ${claims.length} of ${name}`,
            async (claims, elsewhere) => {
              const answer = await env.CONTACTS.getByName(name).claim(claims, elsewhere);
              listener.claimed(name, claims, answer.granted);
              return answer;
            },
          ),
          execute: gated(
            ([orders]: [Command[]]) => `${orders.map(({ kind }) => kind).join()} ${name}`,
            async (orders) => {
              const now = Date.now();
              const answer = await env.CONTACTS.getByName(name).execute(orders);
              listener.acted(name, orders, answer.changed, now);
              return answer;
            },
          ),
          erase: gated(
            () => `erase ${name}`,
            async (id: string) => {
              const tombstone = await env.CONTACTS.getByName(name).erase(id);
              listener.erased(name, tombstone);
              return tombstone;
            },
          ),
          correct: gated(
            () => `correct ${name}`,
            async (correction: Correction) => {
              const answer = await env.CONTACTS.getByName(name).correct(correction);
              listener.claimed(name, correction.claims, answer.granted);
              return answer;
            },
          ),
        }),
      },
      ...(pipes === null ? {} : { PIPES: pipesOf(gated, pipes) }),
    } as unknown as Env;
  };

  return {
    run,
    enter,
    log,
    pass: (ms) => {
      clock += ms;
      vi.setSystemTime(clock);
    },
    now: () => clock,
  };
}

/** Lets everybody run who only waits for another; fifty times as quick as a timer. */
async function shortTurn(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  await new Promise<void>((resolve) => {
    port1.addEventListener("message", () => resolve());
    port1.start();
    port2.postMessage(null);
  });
  port1.close();
}

/** Lets everybody run who waits for the runtime, say for a body or a signature. */
async function longTurn(): Promise<void> {
  await new Promise<void>((resolve) => void setTimer(resolve));
}

async function settled<T>(work: Promise<T>): Promise<{ value: T } | { error: Error }> {
  try {
    return { value: await work };
  } catch (error) {
    return { error: error instanceof Error ? error : new Error("it threw no error") };
  }
}

function byName(a: Call, b: Call): number {
  const [one, other] = [a, b].map(({ run, what }) => `${run.name} ${what}`);
  return (one ?? "") < (other ?? "") ? -1 : one === other ? 0 : 1;
}

function folderOf(key: string): string {
  return key.slice(0, key.indexOf("/"));
}

type Gated = <A extends unknown[], R>(
  what: (args: A) => string,
  work: (...args: A) => Promise<R>,
) => (...args: A) => Promise<R>;

/** What a Worker asks of a pipe's object; it calls nobody meanwhile. */
function pipesOf(gated: Gated, pipes: PipeObjects): unknown {
  const of =
    <A extends unknown[], R>(what: string, id: string, call: (pipe: Pipe, ...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> =>
      await gated(
        () => `${what} ${id}`,
        async (...own: A) => await call(pipes(id), ...own),
      )(...args);
  return {
    getByName: (id: string) => ({
      begin: of("begin", id, async (pipe, ...args: Parameters<Pipe["begin"]>) => await pipe.begin(...args)),
      wake: of("wake", id, async (pipe) => await pipe.wake()),
      systemEventsPosition: of("systemEventsPosition", id, async (pipe) => await pipe.systemEventsPosition()),
      reloadSettings: of("reloadSettings", id, async (pipe) => await pipe.reloadSettings()),
      resume: of("resume", id, async (pipe) => await pipe.resume()),
      redeliver: of(
        "redeliver",
        id,
        async (pipe, ...args: Parameters<Pipe["redeliver"]>) => await pipe.redeliver(...args),
      ),
      redeliverEvents: of(
        "redeliver events",
        id,
        async (pipe, ...args: Parameters<Pipe["redeliverEvents"]>) => await pipe.redeliverEvents(...args),
      ),
      health: of("health", id, async (pipe) => await pipe.health()),
      destroy: of("destroy", id, async (pipe) => await pipe.destroy()),
    }),
  };
}

/** Statements are the real ones, wrapped, so that running one waits at the gate like a batch does. */
function databaseOf(gated: Gated, writes: () => void): unknown {
  const real = new WeakMap<object, D1PreparedStatement>();
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
        async () => (writes(), await statement.run()),
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
      async (statements) => (writes(), await env.DB.batch(statements.flatMap((one) => real.get(one) ?? []))),
    ),
  };
  return database;
}
