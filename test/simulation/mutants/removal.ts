// Mutants of the removal of a source's data: in src/erasure/source and src/contact.

import type { Mutant } from "./mutant.ts";

export const REMOVAL: readonly Mutant[] = [
  {
    name: "contacts' objects are not told of a removal",
    file: "erasure/source/steps.ts",
    from: "const { snapshot } = await contactOf(env, contact).forget(",
    to: "const { snapshot } = { snapshot: null as Parameters<typeof changeOf>[1] | null }; void Array.of(",
  },
  {
    name: "removed events stay claimed, so that they are repeats when they are sent again",
    file: "contact/forget.ts",
    from: "return claims.filter(([key, origin]) => !keys.has(key) && !origins.has(origin));",
    to: "void keys; void origins; return [...claims];",
  },
  {
    name: "evidence of removed events still counts",
    file: "contact/forget.ts",
    from: "const facts = withoutEvidence(state.facts, new Set(ids));",
    to: "void withoutEvidence; const facts = state.facts;",
  },
  {
    name: "an object in memory remembers what it has forgotten in its storage",
    file: "contact/contact.ts",
    from: "this.#loaded = null; // its claims by key include the forgotten ones",
    to: "",
  },
  {
    name: "a removal has no second pass",
    file: "erasure/source/steps.ts",
    from: 'phase: "events", cursor: String(removal.seen), seen: removal.seen }',
    to: 'phase: "wait", cursor: "", seen: removal.seen }',
  },
  {
    name: "a removal's second pass runs at once",
    file: "erasure/source/steps.ts",
    from: "export const SETTLES = 20 * MINUTE;",
    to: "void MINUTE; export const SETTLES = 0;",
  },
  {
    name: "a removal has no third pass",
    file: "erasure/source/remove.ts",
    from: 'if (at.phase === "wait" && at.pass === 2) await noteEmptied(storeOf(env), at, now);',
    to: 'void noteEmptied; if (at.phase === "wait" && at.pass === 2) await finishRemoval(storeOf(env), { ...at, pass: 3 }, now);',
  },
  {
    name: "a removal looks at repeats as soon as the second pass is through",
    file: "erasure/source/steps.ts",
    from: "return now < passBegins(removal) ? null : await stepRepeats(env, removal);",
    to: "return await stepRepeats(env, removal);",
  },
  {
    name: "a removal looks at no repeats of other sources",
    file: "history/repeats.ts",
    from: "if (envelope.source === source && envelope.receivedAt <= until) return null;",
    to: "if (envelope.source !== source || envelope.receivedAt <= until) return null;",
  },
  {
    name: "what nobody stores stays claimed after a removal",
    file: "history/repeats.ts",
    from: "await contactOf(env, contact).forget(",
    to: "void contactOf; void Array.of(",
  },
  {
    name: "what is restored after a removal still counts as a repeat",
    file: "history/repeats.ts",
    from: "await boundDuplicates(db, boundsOf(group, reading));",
    to: "void boundDuplicates; void boundsOf;",
  },
  {
    name: "a removal forgets what was claimed after it",
    file: "contact/forget.ts",
    from: "return origin !== ERASED_ORIGIN && !(timeOfEnvelope(origin) > until);",
    to: "void until; void timeOfEnvelope; return origin !== ERASED_ORIGIN;",
  },
  {
    name: "a removal leaves the archive as it is",
    file: "erasure/source/archive.ts",
    from: "if (isEmptied(envelope)) return line;",
    to: 'if (isEmptied(envelope) || line !== "") return line;',
  },
  {
    name: "a removal empties what was received later",
    file: "erasure/source/archive.ts",
    from: "|| envelope.receivedAt > until) {",
    to: "|| until < 0) {",
  },
  {
    name: "a removal deletes objects of the archive with requests of others",
    file: "erasure/source/archive.ts",
    from: "if (!seen.others) await bucket.delete(key);",
    to: "if (seen.removed > 0) await bucket.delete(key);",
  },
  {
    name: "a removal leaves dead letters",
    file: "erasure/source/steps.ts",
    from: 'if (letters.length === 0) return goOn(removal, "counters");',
    to: 'if (letters.length >= 0) return goOn(removal, "counters");',
  },
  {
    name: "a removal leaves the repeats that its source is counted for",
    file: "erasure/source/steps.ts",
    from: "const more = await clearCounters(storeOf(env), removal);",
    to: "void clearCounters; const more = false;",
  },
];
