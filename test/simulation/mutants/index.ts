// All mutants, by the folders whose promises they break.

import { CONTACT } from "./contact.ts";
import { ERASURE } from "./erasure.ts";
import { LOOPS } from "./loops.ts";
import { PIPES } from "./pipes.ts";
import { PROCESS } from "./process.ts";
import { REBUILD } from "./rebuild.ts";
import { REMOVAL } from "./removal.ts";
import { STORE } from "./store.ts";
import type { Mutant } from "./mutant.ts";

export type { Mutant } from "./mutant.ts";

/** All mutants; their names are unique. */
export const MUTANTS: readonly Mutant[] = [
  ...CONTACT,
  ...ERASURE,
  ...LOOPS,
  ...PIPES,
  ...PROCESS,
  ...REBUILD,
  ...REMOVAL,
  ...STORE,
];
