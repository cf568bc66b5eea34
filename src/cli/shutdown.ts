// The end of a run: by itself, by Ctrl-C or by SIGTERM. Whatever was started is stopped first, and nobody sees the errors
// that stopping causes in the requests under way.

type Cleanup = () => Promise<void> | void;

const cleanups: Cleanup[] = [];
let stopping = false;

/** Registers what has to be stopped before the process ends; the last registered goes first. */
export function beforeExit(cleanup: Cleanup): void {
  cleanups.unshift(cleanup);
}

/** Stops everything, then ends the process. Never comes back: a second caller waits for the first to finish. */
export async function shutDown(code: number): Promise<never> {
  if (!stopping) {
    stopping = true;
    for (const cleanup of cleanups) await cleanup();
    process.exit(code);
  }
  return await new Promise<never>(() => undefined);
}

/** Whether the end has begun: from then on nobody draws or reports any more. */
export function isStopping(): boolean {
  return stopping;
}

/** Says what went wrong in one line, without a stack trace, and stops. */
export async function giveUp(message: string, code = 1): Promise<never> {
  if (!stopping) console.error(`tidings: ${message}`);
  return await shutDown(code);
}

/** Ctrl-C, SIGTERM and a closed terminal stop everything; `codeFor` says with which exit code. */
export function stopOnSignals(codeFor: (signal: "SIGINT" | "SIGTERM" | "SIGHUP") => number): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (stopping) return; // the whole process group gets Ctrl-C, and npm passes it on once more
      process.stdout.write(process.stdout.isTTY ? "\r\u001B[KStopping.\n" : "Stopping.\n");
      void shutDown(codeFor(signal));
    });
  }
}

/** Runs a script's main function; an error that nobody foresaw still ends in one line and with everything stopped. */
export async function run(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    await giveUp(error instanceof Error ? error.message : String(error));
  }
}
