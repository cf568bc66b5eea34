// Loads in advance the code that the Worker loads only on demand. In the tests each import is a request to the machine
// outside of workerd, which takes longer than a simulated deadline allows.

import { loadApp, loadBackground } from "../../src/lazy.ts";
import { nodeCrypto, nodeZlib } from "../../src/lib/node-modules.ts";
import { loadWork } from "../../src/pipes/lazy.ts";

/** Loads all code that is loaded on demand. */
export async function loadLazyModules(): Promise<void> {
  await Promise.all([loadApp(), loadBackground(), loadWork(), nodeCrypto(), nodeZlib()]);
}
