// A progress bar that shows that something goes on: between two steps of the work it counts the seconds.

import type { Progress } from "../../src/cli/progress.ts";

const EVERY = 1_000; // ms

/** Draws the last state of `progress` again each second, with how long nothing has moved. */
export function keepShowing(progress: Progress): Progress {
  let last: [done: number, total: number, words: string] = [0, 1, "starting"];
  let moved = Date.now();
  const timer = setInterval(() => {
    const [done, total, words] = last;
    progress.show(done, total, `${words} (${Math.round((Date.now() - moved) / 1_000)} s)`.trim());
  }, EVERY);
  timer.unref();
  return {
    show: (done, total, words = "") => {
      last = [done, total, words];
      moved = Date.now();
      progress.show(done, total, words);
    },
    end: () => {
      clearInterval(timer);
      progress.show(...last);
      progress.end();
    },
  };
}
