// The modules of Node that are needed now and then. To load them takes a new isolate 5 ms, so each waits for its first use.

import { once } from "./once.ts";

export const nodeCrypto = once(async () => await import("node:crypto"));
export const nodeZlib = once(async () => await import("node:zlib"));
