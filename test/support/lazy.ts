// What the Worker loads only when something asks for it, loaded beforehand: in the tests each import asks the machine outside of
// workerd, and that takes longer than a simulated deadline allows.

import { loadApp, loadBackground } from "../../src/lazy.ts";
import { nodeCrypto, nodeZlib } from "../../src/lib/node-modules.ts";
import { loadWork } from "../../src/pipes/lazy.ts";

/** Loads all of it. */
export async function loadLazyModules(): Promise<void> {
  await Promise.all([loadApp(), loadBackground(), loadWork(), nodeCrypto(), nodeZlib()]);
}
