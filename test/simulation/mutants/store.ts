// Mutants of src/store.

import type { Mutant } from "./mutant.ts";

export const STORE: readonly Mutant[] = [
  {
    name: "counters are written outside the transaction of their events",
    file: "store/write/slice.ts",
    from: "const results = await db.batch(statements);",
    to: "const results: D1Result[] = []; for (const one of statements) results.push(...(await db.batch([one])));",
  },
  {
    name: "rows that already exist are counted again",
    file: "store/write/slice.ts",
    from: "WHERE NOT EXISTS (SELECT 1 FROM events WHERE events.id = e.value)",
    to: "",
  },
  {
    name: "rows of earlier slices are counted again",
    file: "store/write/slice.ts",
    from: "coalesce((SELECT max(seq) FROM events), 0)",
    to: "0",
  },
  {
    name: "every open counts as its contact's first",
    file: "store/write/counters.ts",
    from: "WHERE old_any IS NULL OR new_any < old_any",
    to: "",
  },
  {
    name: "an earlier open that arrives late does not become the unique one",
    file: "store/write/counters.ts",
    from: "UNION ALL SELECT old_any, -1, 0 FROM firsts WHERE new_any < old_any",
    to: "",
  },
  {
    name: "a campaign is taken to begin a day later than it did",
    file: "store/write/counters.ts",
    from: "SELECT min(day) FROM campaign_rollups",
    to: "SELECT min(day) + 86400000 FROM campaign_rollups",
  },
  {
    name: "an older state of a contact replaces a newer one",
    file: "store/write/slice.ts",
    from: "WHERE excluded.version > contacts.version`",
    to: "`",
  },
  {
    name: "repeats are counted again with every redelivery",
    file: "store/write/slice.ts",
    from: "AND NOT EXISTS (SELECT 1 FROM tallies WHERE tallies.envelope = t.value->>0)",
    to: "",
  },
  {
    name: "a transaction in flight brings back a contact that is being erased",
    file: "store/write/slice.ts",
    from: "WHERE x.contact IS NOT NULL\n    UNION ALL",
    to: "WHERE false\n    UNION ALL",
  },
  {
    name: "erased rows are not noted as removed for the recount",
    file: "store/erasure/erasures.ts",
    from: "...goneFrom(`seq IN (${DOOMED})`),",
    to: "",
  },
  {
    name: "rows that a second try finds are noted as removed in another transaction than their removal",
    file: "store/erasure/erasures.ts",
    from: "const results = await db.batch(statements);\n    if",
    to: "const results: D1Result[] = []; for (const one of statements) results.push(...(await db.batch([one])));\n    if",
  },
  {
    name: "a suppression in force does not outlive its erased contact",
    file: "store/erasure/erasures.ts",
    from: "WHERE id = ?1 AND kept_reason IS NOT NULL AND erased_at IS NOT NULL",
    to: "WHERE id = ?1 AND false",
  },
  {
    name: "a repeated erasure request does not begin again",
    file: "store/erasure/erasures.ts",
    from: "tombstone = excluded.tombstone, begun = 0, pass = 1, cursor = min(cursor, excluded.cursor)",
    to: "note = ?5, cursor = min(cursor, max(cursor, ?8))",
  },
  {
    name: "an erasure also deletes the contact's rows that arrived later",
    file: "store/erasure/erasures.ts",
    from: "AND e.received_at <= x.erased_at WHERE",
    to: "AND x.erased_at > 0 WHERE",
  },
  {
    name: "retention also deletes a younger event",
    file: "store/write/retention.ts",
    from: "results.at(young < 0 ? -1 : young - 1);",
    to: "results.at(young);",
  },
  {
    name: "rows deleted by retention are not noted as removed for the recount",
    file: "store/write/retention.ts",
    from: '...goneFrom("seq <= ?1"),',
    to: "",
  },
  {
    name: "a message is deleted with the first of its events",
    file: "store/write/retention.ts",
    from: '"e.seq > ?1",',
    to: '"false",',
  },
  {
    name: "retention deletes rows in single statements, not in one transaction",
    file: "store/write/retention.ts",
    from: "const done = await db.batch(statements.map((sql) => db.prepare(sql).bind(last.seq)));",
    to: "const done: D1Result[] = []; for (const sql of statements) done.push(...(await db.batch([db.prepare(sql).bind(last.seq)])));",
  },
  {
    name: "retention deletes a day of the archive before the day is over",
    file: "store/write/retention.ts",
    from: "key < today",
    to: "key < `${today}~`",
  },
  {
    name: "reading history again does not correct the counters",
    file: "store/write/replace.ts",
    from: "for (const sql of counting(1)) add(sql, keptIds);",
    to: "",
  },
  {
    name: "an erasure writes no system event",
    file: "store/erasure/erasures.ts",
    from: "      INSERT_ERASED_EVENTS,\n",
    to: "",
  },
  {
    name: "system events are deleted before every pipe has passed them",
    file: "store/pipes/system-events.ts",
    from: "const earliest = earliestOf([...pipes.values()]);",
    to: "void earliestOf; const earliest = [...pipes.values()].sort((a, b) => lastSeqOf(b) - lastSeqOf(a))[0] ?? null;",
  },
  {
    name: "a deleted pipe still writes to its delivery log",
    file: "store/pipes/delivery-log.ts",
    from: "WHERE EXISTS (SELECT 1 FROM pipes WHERE id = ?2 AND deleted_at IS NULL) ON CONFLICT",
    to: "WHERE ?2 IS NOT NULL ON CONFLICT",
  },
  {
    name: "system events about an erased contact keep their data",
    file: "store/erasure/erasures.ts",
    from: "      EMPTY_TOLD,\n",
    to: "",
  },
  {
    name: "logged attempts with only an erased contact's events stay",
    file: "store/erasure/erasures.ts",
    from: "      DELETE_ATTEMPTS,\n",
    to: "",
  },
  {
    name: "logged attempts with an erased contact's events among others stay unchanged",
    file: "store/erasure/erasures.ts",
    from: "      LEAVE_ATTEMPTS,\n",
    to: "",
  },
];
