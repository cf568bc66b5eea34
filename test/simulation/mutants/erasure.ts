// Mutants of src/erasure, src/history.

import type { Mutant } from "./mutant.ts";

export const ERASURE: readonly Mutant[] = [
  {
    name: "what appears in history stays counted as a repeat",
    file: "history/apply.ts",
    from: "await inDatabase(boundDuplicates(storeOf(env), boundsOf(appeared, rowsByLine)));",
    to: "void boundDuplicates; void boundsOf; void rowsByLine;",
  },
  {
    name: "history read anew tells the contacts nothing",
    file: "history/apply.ts",
    from: "const answer = await env.CONTACTS.getByName(contact).correct(correction);",
    to: "const answer = { granted: asked.map(() => true), snapshot: null };",
  },
  {
    name: "news vanishes that came with a repeat of what was erased",
    file: "history/renormalise.ts",
    from: 'return kind !== "vanished" || envelope.erased !== true ||',
    to: "return true ||",
  },
  {
    name: "an event told differently does not claim what tells it now",
    file: "history/apply.ts",
    from: "share.correction.claims.push(claimOf(after, evidence, before?.id ?? null));",
    to: "const claim = claimOf(after, evidence, before?.id ?? null); share.correction.claims.push(before === null ? claim : { ...claim, key: `no ${claim.key}` });",
  },
  {
    name: "rows are changed before the contacts are told",
    file: "history/apply.ts",
    from: "const shares = sharesOf(differences);",
    to: "await storeReplacements(env.DB, differences.flatMap((one) => (one.before === null || one.after === null ? [] : [{ before: one.before, after: one.after.row }]))); const shares = sharesOf(differences);",
  },
  {
    name: "the archive's objects are not rewritten",
    file: "erasure/rewrite.ts",
    from: "if (counts.every((count) => count === 0)) return counts;",
    to: "if (key.startsWith('archive/')) return counts;",
  },
  {
    name: "a dead letter's delivery is not rewritten",
    file: "erasure/rewrite.ts",
    from: "if (counts.every((count) => count === 0)) return counts;",
    to: "if (key.startsWith('dead-letters/')) return counts;",
  },
  {
    name: "a rewrite undoes another that came in between",
    file: "erasure/rewrite.ts",
    from: "onlyIf: { etagMatches: object.etag }",
    to: "",
  },
  {
    name: "nobody looks for a second time",
    file: "erasure/erase.ts",
    from: "else again.push(await secondPass(env, erasure));",
    to: "else { await lookAgain(env.DB, erasure, WALKED); await end(env, { ...erasure, pass: 2 }, now); }",
  },
  {
    name: "the second look comes at once",
    file: "erasure/erase.ts",
    from: "const SETTLES = 20 * 60_000;",
    to: "const SETTLES = 0;",
  },
  {
    name: "an erasure takes out what came later",
    file: "erasure/rewrite.ts",
    from: "if (receivedAt > one.until) continue;",
    to: "",
  },
  {
    name: "a delivery that was given up goes with the first who is erased",
    file: "erasure/dead-letters.ts",
    from: "return left.body.length === 0 ? null : textOf(left);",
    to: "return null;",
  },
];
