// Mutants of src/rebuild, and of what it asks of others.

import type { Mutant } from "./mutant.ts";

export const REBUILD: readonly Mutant[] = [
  {
    name: "a rebuild moves its cursor behind an object before its events are stored",
    file: "rebuild/archive.ts",
    from: "  let events = 0;\n",
    to: "  await movedOn(storeOf(run.env), rebuild, key, {}).run();\n  let events = 0;\n",
  },
  {
    name: "a rebuild counts an object's repeats in another transaction than its cursor moves",
    file: "rebuild/archive.ts",
    from: "await storeSlice(storeOf(run.env), counts, [moved]);",
    to: "await moved.run(); await storeSlice(storeOf(run.env), counts);",
  },
  {
    name: "a delivery that arrives during a rebuild is taken for a repeat of itself",
    file: "rebuild/archive.ts",
    from: "const copies = await storedFromCopies(env, parsed, new Set(stored.map(({ id }) => id)));",
    to: "void storedFromCopies; const copies = new Map<ParsedEnvelope, number>();",
  },
  {
    name: "a rebuild restores what no delivery may bring any more",
    file: "rebuild/archive.ts",
    from: "return { granted: missing.filter((event) => granted.has(event)), contacts };",
    to: "return { granted: [...missing], contacts };",
  },
  {
    name: "a rebuild does not count the repeats of what it restores",
    file: "rebuild/archive.ts",
    from: "if (key <= tallied) return true;",
    to: "if (key <= tallied || key !== '') return true;",
  },
  {
    name: "a rebuild does not look for erased contacts in what it reads",
    file: "rebuild/erased.ts",
    from: "if (envelope.receivedAt > latest) return envelope;",
    to: "if (envelope.receivedAt > latest || latest > 0) return envelope;",
  },
  {
    name: "the acts of an erased contact come back from the journal",
    file: "rebuild/journal.ts",
    from: "const own = lines.filter(({ contact }) => !gone.has(contact));",
    to: "void gone; const own = lines;",
  },
  {
    name: "an erasure that was under way does not go on after a rebuild",
    file: "rebuild/erased.ts",
    from: "await reopenErasure(storeOf(env), hash, contact);",
    to: "void reopenErasure; void hash; void contact;",
  },
  {
    name: "contacts' objects are not asked for their states",
    file: "rebuild/journal.ts",
    from: "await takeOverOf(env, some.slice(at, at + A_STEP));",
    to: "void takeOverOf; void env;",
  },
  {
    name: "a rebuild leaves out dead letters",
    file: "rebuild/dead-letters.ts",
    from: "await storeSlice(storeOf(env), { ...NO_ROWS, deadLetters: letters });",
    to: "await storeSlice(storeOf(env), { ...NO_ROWS, deadLetters: letters.slice(letters.length) });",
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
  {
    name: "a suppression that outlived its contact does not outlive the database",
    file: "store/rebuild/erasures.ts",
    from: "return [db.prepare(KEEP).bind(act.hash, act.reason, act.since)];",
    to: "void KEEP; return [];",
  },
];
