// A progress bar: on a terminal one line that is redrawn, elsewhere (a log, a pipe) a new line every few seconds.

import { isStopping } from "./shutdown.ts";

const WIDTH = 30;
const EVERY = 100; // ms between two drawings on a terminal
const EVERY_LINE = 5_000; // ms between two lines elsewhere

/** A progress bar that is on the screen. */
export interface Progress {
  /** Shows `done` of `total`, followed by a few words. */
  show(done: number, total: number, words?: string): void;
  /** Draws the last state, and leaves it on the screen. */
  end(): void;
}

/** Starts a progress bar with this label; it draws nothing once the process is stopping. */
export function startProgress(label: string): Progress {
  const { isTTY } = process.stdout;
  const began = Date.now();
  let last = isTTY ? 0 : began;
  let line = "";
  const write = (): void => {
    if (isStopping()) return;
    last = Date.now();
    process.stdout.write(isTTY ? `\r\u001B[K${line}` : `${line}\n`);
  };
  return {
    show: (done, total, words = "") => {
      line = `${label.padEnd(9)} ${bar(done, total)}  ${format(done)} of ${format(total)}${words === "" ? "" : `  ${words}`}`;
      if (Date.now() - last >= (isTTY ? EVERY : EVERY_LINE)) write();
    },
    end: () => {
      line += `  ${((Date.now() - began) / 1000).toFixed(1)} s`;
      write();
      if (isTTY) process.stdout.write("\n");
    },
  };
}

function bar(done: number, total: number): string {
  const filled = total === 0 ? WIDTH : Math.min(WIDTH, Math.floor((done / total) * WIDTH));
  return "█".repeat(filled) + "░".repeat(WIDTH - filled);
}

/** A number with commas between the thousands. */
export function format(n: number): string {
  return n.toLocaleString("en-US");
}
