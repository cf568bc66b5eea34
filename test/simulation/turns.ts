// What the gate needs of the real clock, which stays real while a history has a clock of its own: turns in which the code
// of the runs goes on, and patience with the local bindings.

const setTimer = globalThis.setImmediate;
const setAlarm = globalThis.setInterval;
const clearAlarm = globalThis.clearInterval;
/** A local binding that takes longer than this, ms of real time, or up to twice as long, never answers. */
const PATIENCE = 60_000;

class Silent extends Error {}

/** Makes a function that lets all code run that only waits for other code; fifty times as fast as a timer. */
export function makeShortTurn(): () => Promise<void> {
  const { port1, port2 } = new MessageChannel();
  let resume = (): void => {};
  port1.addEventListener("message", () => resume());
  port1.start();
  return async () =>
    await new Promise<void>((resolve) => {
      resume = resolve;
      port2.postMessage(null);
    });
}

/** Lets all code run that waits for the runtime, for example for a body or a signature. */
export async function longTurn(): Promise<void> {
  await new Promise<void>((resolve) => void setTimer(resolve));
}

type Answer = { value: unknown } | { error: Error };

/**
 * Gets the bindings' own answers. A binding that gives none ends the history, by name. One timer watches all calls of
 * `during`, because a timer for each takes longer than some of them.
 */
export function makeWatch(): {
  during<T>(work: () => Promise<T>): Promise<T>;
  answerOf(call: { what: string; work: () => Promise<unknown> }): Promise<Answer>;
} {
  /** The present call, whether the timer has seen it before, and what ends it. */
  let open: { what: string; seen: boolean; end: (error: Silent) => void } | null = null;
  const look = (): void => {
    if (open?.seen === true)
      open.end(new Silent(`${open.what}: the local binding did not answer in a minute`));
    if (open !== null) open.seen = true;
  };
  return {
    during: async (work) => {
      const alarm = setAlarm(look, PATIENCE);
      try {
        return await work();
      } finally {
        clearAlarm(alarm);
      }
    },
    answerOf: async ({ work, what }) => {
      const silence = new Promise<never>((_resolve, reject) => {
        open = { what, seen: false, end: reject };
      });
      try {
        return { value: await Promise.race([work(), silence]) };
      } catch (error) {
        if (error instanceof Silent) throw error;
        return { error: error instanceof Error ? error : new Error("it threw no error") };
      } finally {
        open = null;
      }
    },
  };
}
