// The parts of the Worker that are loaded at their first use, because loading them at the start would delay a new
// isolate's first answer.

import { once } from "./lib/once.ts";

/** Loads the routes that people call. */
export const loadApp = once(async () => await import("./app.ts"));
/** Loads the queues' consumers and the scheduled jobs. */
export const loadBackground = once(async () => await import("./background.ts"));
