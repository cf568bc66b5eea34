// Mutants of src/erasure, src/history.

import type { Mutant } from "./mutant.ts";

export const ERASURE: readonly Mutant[] = [
  {
    name: "an event that appears when history is read again stays counted as a repeat",
    file: "history/apply.ts",
    from: "await inDatabase(boundDuplicates(storeOf(env), boundsOf(appeared, rowsByLine)));",
    to: "void boundDuplicates; void boundsOf; void rowsByLine;",
  },
  {
    name: "reading history again does not correct the contacts' objects",
    file: "history/apply.ts",
    from: "const answer = await contactOf(env, contact).correct(correction);",
    to: "const answer = { granted: asked.map(() => true), snapshot: null };",
  },
  {
    name: "a new event that came with a repeat of an erased one vanishes when history is read again",
    file: "history/renormalise.ts",
    from: 'return kind !== "vanished" || envelope.erased !== true ||',
    to: "return true ||",
  },
  {
    name: "a corrected event does not claim its new identity",
    file: "history/apply.ts",
    from: "share.correction.claims.push(claimOf(after, evidence, before?.id ?? null));",
    to: "const claim = claimOf(after, evidence, before?.id ?? null); share.correction.claims.push(before === null ? claim : { ...claim, key: `no ${claim.key}` });",
  },
  {
    name: "rows are replaced before the contacts' objects are corrected",
    file: "history/apply.ts",
    from: "const contacts: ContactChange[] = [];",
    to: "await storeReplacements(env.DB, differences.flatMap((one) => (one.before === null || one.after === null ? [] : [{ before: one.before, after: one.after.row }]))); const contacts: ContactChange[] = [];",
  },
  {
    name: "an erasure does not rewrite the archive's objects",
    file: "erasure/rewrite.ts",
    from: "if (counts.every((count) => count === 0)) return counts;",
    to: "if (key.startsWith('archive/')) return counts;",
  },
  {
    name: "an erasure does not rewrite the deliveries of dead letters",
    file: "erasure/rewrite.ts",
    from: "if (counts.every((count) => count === 0)) return counts;",
    to: "if (key.startsWith('dead-letters/')) return counts;",
  },
  {
    name: "a rewrite of an object undoes a concurrent one",
    file: "erasure/rewrite.ts",
    from: "onlyIf: { etagMatches: object.etag }",
    to: "",
  },
  {
    name: "an erasure has no second pass",
    file: "erasure/erase.ts",
    from: "else again.push(await secondPass(env, erasure));",
    to: "else { await lookAgain(env.DB, erasure, WALKED); await end(env, { ...erasure, pass: 2 }, now); }",
  },
  {
    name: "an erasure's second pass runs at once",
    file: "erasure/erase.ts",
    from: "const SETTLES = 20 * MINUTE;",
    to: "const SETTLES = 0;",
  },
  {
    name: "an erasure also redacts deliveries that arrived later",
    file: "erasure/rewrite.ts",
    from: "if (envelope.receivedAt > one.until) continue;",
    to: "",
  },
  {
    name: "an erasure forgets the database",
    file: "erasure/erase.ts",
    from: "await walkRows(env, erasures, most.pages)",
    to: "erasures.map((one) => (void walkRows, { ...one, rows_cursor: WALKED }))",
  },
  {
    name: "an erasure leaves the names of counters",
    file: "erasure/rows.ts",
    from: "if (left === name || !(await renameCells(db, table, name, left))) continue;",
    to: "if (name !== '') continue;",
  },
  {
    name: "an erasure empties deliveries with reports of others",
    file: "erasure/redact.ts",
    from: "if (before.others.length + before.unread.length === 0)",
    to: "if (before.own >= 0)",
  },
  {
    name: "a delivery that waited during an erasure brings mentions back",
    file: "process/redact-erased.ts",
    from: "const late = envelopes.filter(({ envelope }) => envelope.receivedAt <= latest);",
    to: "const late = envelopes.filter(({ rejects }) => rejects.length > 0 && latest > 0);",
  },
  {
    name: "rows mention whom their delivery does not mention any more",
    file: "process/store.ts",
    from: "return row === event.row ? event : { ...event, row };",
    to: "return event;",
  },
  {
    name: "a given-up delivery is deleted whole with its first erased contact",
    file: "erasure/dead-letters.ts",
    from: "return left.body.length === 0 ? null : textOf(left);",
    to: "return null;",
  },
];
