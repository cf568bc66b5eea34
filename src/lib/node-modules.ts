// Node modules that only some requests need. Loading them takes a new isolate 5 ms, so each is loaded at its first use.

import { once } from "./once.ts";

/** Loads node:crypto. */
export const nodeCrypto = once(async () => await import("node:crypto"));
/** Loads node:zlib. */
export const nodeZlib = once(async () => await import("node:zlib"));
