// Every call that a run of the Worker makes to a binding waits here until it is let through, one at a time, in a random
// order; or it fails, before or after it took effect; or it hangs; or the process that made it dies. Between two calls
// all code runs until none can go on, so that the same seed gives the same run.

import { vi } from "vitest";
import type { Random } from "../../src/demo/traffic/random.ts";
import { actingFor } from "./deadly.ts";
import { longTurn, makeShortTurn, makeWatch } from "./turns.ts";
import { gatedBindings, type Listener, type PipeObjects, type Producer } from "./bindings.ts";

/** After this many short turns without any movement, and a long one, no code can run any more. */
const CALM = 3;

/** ms after which the platform ends an invocation, by its documentation. */
const LONGEST_RUN = 15 * 60_000;

/** The fate of a call. */
export type Fate =
  | "works"
  | "fails"
  | "works and fails"
  | "hangs"
  | "hangs and works"
  | "dies"
  | "works and dies";
const FAULTS = ["fails", "works and fails", "hangs", "hangs and works", "dies", "works and dies"] as const;

/** The fate of calls whose names begin with these words; waiting calls do so until all others have ended. */
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
  /** Let through in part: takes effect some time later, without an answer. */
  unheard: boolean;
}

/** One invocation of the Worker. */
export interface Runner {
  name: string;
  /** ms by which its clock is off. */
  skew: number;
  start: (bindings: Env) => Promise<unknown>;
  /** Whether looking at a deadly delivery ends it. */
  mortal?: true;
  outcome: { ended: "no" | "yes" | "died"; value: unknown };
}

/** The gate, and the clock of the history. */
export interface Gate {
  /**
   * Runs them concurrently to their ends. `faults`: probability for each call; `trap`: the fate of the first run's
   * calls.
   */
  run(runners: readonly Runner[], faults: number, random: Random, trap?: Trap): Promise<void>;
  /** Ends the run's process, in the middle of its work. */
  die(run: Runner): void;
  /** A call within a run that is not made to a binding. */
  enter<T>(run: Runner, what: string, work: () => Promise<T>): Promise<T>;
  /** Lets time pass. */
  pass(ms: number): void;
  /** ms, by the correct clock. */
  now(): number;
  /** The log of all calls, a line each. */
  log: string[];
}

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
  /** Whether a call has changed the database since the last report of a change. */
  let written = false;
  const shortTurn = makeShortTurn();
  const watch = makeWatch();

  const enter = async <T>(run: Runner, what: string, work: () => Promise<T>): Promise<T> =>
    await new Promise((resolve, reject) => {
      movements += 1;
      if (run.outcome.ended === "died") return; // the process that would make the call is gone
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
    actingFor(run, async () => await run.start(bindingsFor(run))).then(end, (error: unknown) => end(error));
  };

  const die = (run: Runner): void => {
    movements += 1;
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
    const answer = fate === "fails" || fate === "dies" ? null : await watch.answerOf(call);
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

  /** All remaining calls hang: their deadlines pass, and the platform ends runs without a deadline. */
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

  const run: Gate["run"] = async (...args) => await watch.during(async () => await runAll(...args));

  const runAll: Gate["run"] = async (runners, faults, random, trap) => {
    const troubled = new Set<Runner>();
    const [first, ...others] = runners;
    const trappedBy = ({ run, what }: Call): Trap["fate"] | null =>
      trap !== undefined && run === first && what.startsWith(trap.at) ? trap.fate : null;
    /** The first run proceeds until it waits, and stays there until all others have ended. */
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
      // In an order that does not depend on which call arrived first between two turns.
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
        // Faults seldom occur alone.
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

  /** The bindings of one run, every call of which waits here. */
  const bindingsFor = (runner: Runner): Env =>
    gatedBindings({
      gated:
        <A extends unknown[], R>(what: (args: A) => string, work: (...args: A) => Promise<R>) =>
        async (...args: A): Promise<R> =>
          await enter(runner, what(args), async () => await work(...args)),
      seen: (frame) => producer.seen(frame, runner),
      wrote: () => void (written = true),
      producer,
      listener,
      configuration,
      pipes,
    });

  return {
    run,
    enter,
    log,
    die: (runner) => {
      log.push(`${runner.name}: looks at a deadly delivery, and is ended`);
      die(runner);
    },
    pass: (ms) => {
      clock += ms;
      vi.setSystemTime(clock);
    },
    now: () => clock,
  };
}

function byName(a: Call, b: Call): number {
  const [one, other] = [a, b].map(({ run, what }) => `${run.name} ${what}`);
  return (one ?? "") < (other ?? "") ? -1 : one === other ? 0 : 1;
}
