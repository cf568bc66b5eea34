// Mutants of src/rebuild.

import type { Mutant } from "./mutant.ts";

export const REBUILD: readonly Mutant[] = [
  {
    name: "a rebuild moves its cursor behind an object before its events are stored",
    file: "rebuild/archive.ts",
    from: "  let events = 0;\n",
    to: "  await movedOn(storeOf(run.env), rebuild, key, {}).run();\n  let events = 0;\n",
  },
  {
    name: "a delivery that arrives during a rebuild is taken for a repeat of itself",
    file: "rebuild/archive.ts",
    from: "const copies = await storedFromCopies(env, parsed, new Set(stored.map(({ id }) => id)));",
    to: "void storedFromCopies; const copies = new Map<ParsedEnvelope, number>();",
  },
  {
    name: "a restored pipe runs without its secrets",
    file: "rebuild/pipes.ts",
    from: "const reason = had_secrets ? SECRETS : isUsable ? paused : FILTER;",
    to: "void had_secrets; void SECRETS; const reason = isUsable ? paused : FILTER;",
  },
  {
    name: "a rebuild ends with its events, before it has restored pipes",
    file: "rebuild/run.ts",
    from: "const pipes = await restorePipes(run, rebuild);",
    to: "void restorePipes; const pipes = 0;",
  },
];
