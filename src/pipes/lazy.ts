// What it takes to deliver: kinds, filters, transports. Loaded when a pipe works, for every new isolate would wait for it.

import { once } from "../lib/once.ts";

export const loadWork = once(async () => await import("./work.ts"));
