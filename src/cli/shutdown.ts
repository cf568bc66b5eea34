// Ends a run: at its own end, by Ctrl-C or by SIGTERM. Everything that was started is stopped first, and the errors
// that this causes in running requests are not shown.

type Cleanup = () => Promise<void> | void;

const cleanups: Cleanup[] = [];
let stopping = false;

/** Registers a clean-up to run before the process ends; the last one registered runs first. */
export function beforeExit(cleanup: Cleanup): void {
  cleanups.unshift(cleanup);
}

/**
 * Runs all clean-ups, then ends the process with `code`. Never returns: a second caller waits for the first to finish.
 */
export async function shutDown(code: number): Promise<never> {
  if (!stopping) {
    stopping = true;
    for (const cleanup of cleanups) await cleanup();
    process.exit(code);
  }
  return await new Promise<never>(() => undefined);
}

/** Whether the end has begun; from then on nothing is drawn or reported. */
export function isStopping(): boolean {
  return stopping;
}

/** Prints the error in one line, without a stack trace, and stops. */
export async function giveUp(message: string, code = 1): Promise<never> {
  if (!stopping) console.error(`tidings: ${message}`);
  return await shutDown(code);
}

/** Stops everything on Ctrl-C, SIGTERM and a closed terminal; `codeFor` returns the exit code. */
export function stopOnSignals(codeFor: (signal: "SIGINT" | "SIGTERM" | "SIGHUP") => number): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (stopping) return; // the whole process group gets Ctrl-C, and npm forwards it again
      process.stdout.write(process.stdout.isTTY ? "\r\u001B[KStopping.\n" : "Stopping.\n");
      void shutDown(codeFor(signal));
    });
  }
}

/** Runs a script's main function; even an unexpected error ends in one line, after everything is stopped. */
export async function run(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    await giveUp(error instanceof Error ? error.message : String(error));
  }
}
