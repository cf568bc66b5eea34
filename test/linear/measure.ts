// Measures how a function's time grows with its input. Absolute times depend on the machine and on what else runs on
// it, so a large input is compared with a quarter of it, in the same run: four calls with the quarter take about as
// long as one call with the whole if the function is linear, and a quarter of that if it is quadratic. Both then give
// other processes and the garbage collector as much occasion to interrupt.
//
// It runs in Node, because the clock of a Worker stands still while it computes. Both have the same JavaScript engine.

/** The most that twice the input may cost. Memory makes a linear function somewhat slower than twice, never three times. */
const MOST = 3;
/**
 * UTF-16 units of the inputs. `LINEAR=whole` goes as far as the largest body that is taken; what would take more than
 * some ten seconds for it shows with much less.
 */
const SIZES =
  process.env["LINEAR"] === "whole"
    ? [16_384, 65_536, 262_144, 1_048_576, 4_194_304]
    : [8_192, 32_768, 131_072];
const STEP = 4;
/** Shorter times (ms) count as this one: they consist of other things than the function. */
const FLOOR = 13;
/** How often a pair that looks wrong is measured by the clock, where the shortest times count, and then by its work. */
const TRIES = 4;
/** The processor's time is summed over this time (ms), because it is only counted in steps of some ms. */
const LONG = 80;

/** A function under test. It may be asynchronous. */
export type Run<T> = (input: T) => unknown;

/** The time of this many calls by the clock, in ms. */
async function timeOf<T>(run: Run<T>, input: T, calls: number): Promise<number> {
  const before = performance.now();
  for (let call = 0; call < calls; call++) await run(input);
  return performance.now() - before;
}

/** The mean of the processor's time that a call takes, in ms: whatever else this machine does meanwhile. */
async function workOf<T>(run: Run<T>, input: T): Promise<number> {
  const before = process.threadCpuUsage();
  for (let calls = 1; ; calls++) {
    await run(input);
    const { user, system } = process.threadCpuUsage(before);
    const ms = (user + system) / 1000;
    if (ms >= LONG || calls === 200) return ms / calls;
  }
}

/** The first growth that costs too much, in words; null if there is none. `make`: an input of about that length. */
export async function excessOf<T>(make: (length: number) => T, run: Run<T>): Promise<string | null> {
  const [first = 0, ...others] = SIZES;
  let quarter = make(first);
  for (const size of others) {
    const whole = make(size);
    let excess: string | null = null;
    let isLinear = await looksLinear(run, quarter, whole);
    for (let tries = 0; tries < TRIES && !isLinear; tries++) {
      const [least, most] = [await workOf(run, quarter), await workOf(run, whole)];
      isLinear = most <= MOST ** 2 * Math.max(FLOOR / STEP, least);
      excess = `${size / STEP}: ${least.toFixed(1)} ms, ${size}: ${most.toFixed(1)} ms`;
    }
    if (!isLinear) return excess;
    quarter = whole;
  }
  return null;
}

async function looksLinear<T>(run: Run<T>, quarter: T, whole: T): Promise<boolean> {
  let parts = Infinity;
  let once = Infinity;
  for (let tries = 0; tries < TRIES; tries++) {
    parts = Math.min(parts, await timeOf(run, quarter, STEP));
    once = Math.min(once, await timeOf(run, whole, 1));
    if (once <= (MOST ** 2 / STEP) * Math.max(FLOOR, parts)) return true;
  }
  return false;
}
