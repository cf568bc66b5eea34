// Deliveries that end every process that looks at them, as one does that costs too much CPU or memory: whoever turns
// their bytes into text is gone from there on. Their bytes may be moved and copied.

import { AsyncLocalStorage } from "node:async_hooks";
import { vi } from "vitest";
import type { Runner } from "./gate.ts";

/** The text that marks a deadly delivery. */
export const DEADLY = "whoever reads this is gone";

const present = new AsyncLocalStorage<Runner>();

/** Runs `work` as a part of the run, so that it can be told whose process looks at a delivery. */
export function actingFor<T>(run: Runner, work: () => T): T {
  return present.run(run, work);
}

/** From now on looking ends consumers and scheduled runs; `die` ends one. Returns how to stop that. */
export function armSight(die: (run: Runner) => void): () => void {
  const decode = Reflect.get(TextDecoder.prototype, "decode") as (...args: unknown[]) => string;
  const spy = vi.spyOn(TextDecoder.prototype, "decode").mockImplementation(function (
    this: TextDecoder,
    ...args: Parameters<TextDecoder["decode"]>
  ) {
    const text = Reflect.apply(decode, this, args);
    const run = text.includes(DEADLY) ? present.getStore() : undefined;
    if (run?.mortal !== true) return text;
    die(run);
    throw new Error("the process has ended"); // nothing that it does from here on reaches anything
  });
  return () => spy.mockRestore();
}
