// Mutants of src/store.

import type { Mutant } from "./mutant.ts";

export const STORE: readonly Mutant[] = [
  {
    name: "counted in statements of their own, not in the transaction",
    file: "store/write/slice.ts",
    from: "const results = await db.batch(statements);",
    to: "const results: D1Result[] = []; for (const one of statements) results.push(...(await db.batch([one])));",
  },
  {
    name: "rows that were there already are counted again",
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
    name: "every open is its contact's first",
    file: "store/write/counters.ts",
    from: "WHERE old_any IS NULL OR new_any < old_any",
    to: "",
  },
  {
    name: "an earlier open that comes late does not take the title away",
    file: "store/write/counters.ts",
    from: "UNION ALL SELECT old_any, -1, 0 FROM firsts WHERE new_any < old_any",
    to: "",
  },
  {
    name: "a campaign is taken to have begun a day later",
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
    name: "repeats are tallied again with every delivery",
    file: "store/write/slice.ts",
    from: "AND NOT EXISTS (SELECT 1 FROM tallies WHERE tallies.envelope = t.value->>0)",
    to: "",
  },
  {
    name: "a transaction under way brings back what is being erased",
    file: "store/write/slice.ts",
    from: "WHERE x.contact IS NOT NULL\n    UNION ALL",
    to: "WHERE false\n    UNION ALL",
  },
  {
    name: "erased rows are not noted as gone",
    file: "store/erasure/erasures.ts",
    from: "...goneFrom(`seq IN (${DOOMED})`),",
    to: "",
  },
  {
    name: "rows that a second try finds are noted as gone in a transaction of their own",
    file: "store/erasure/erasures.ts",
    from: "const results = await db.batch(statements);\n    if",
    to: "const results: D1Result[] = []; for (const one of statements) results.push(...(await db.batch([one])));\n    if",
  },
  {
    name: "a suppression does not outlive its contact",
    file: "store/erasure/erasures.ts",
    from: "WHERE id = ?1 AND kept_reason IS NOT NULL AND erased_at IS NOT NULL",
    to: "WHERE id = ?1 AND false",
  },
  {
    name: "an erasure asked for again does not begin again",
    file: "store/erasure/erasures.ts",
    from: "tombstone = excluded.tombstone, begun = 0, pass = 1, cursor = min(cursor, excluded.cursor)",
    to: "note = ?5, cursor = min(cursor, max(cursor, ?8))",
  },
  {
    name: "an erased contact's rows go with those that came later",
    file: "store/erasure/erasures.ts",
    from: "ON ${OWN} AND events.received_at <= x.erased_at\n",
    to: "ON ${OWN} AND x.erased_at > 0\n",
  },
  {
    name: "an event ends that is younger",
    file: "store/write/retention.ts",
    from: "results.at(young < 0 ? -1 : young - 1);",
    to: "results.at(young);",
  },
  {
    name: "rows that end are not noted as gone",
    file: "store/write/retention.ts",
    from: '...goneFrom("seq <= ?1"), ',
    to: "",
  },
  {
    name: "a message ends with the first of its events",
    file: "store/write/retention.ts",
    from: "WHERE n.seq > ?1))`;",
    to: "WHERE false))`;",
  },
  {
    name: "rows end in statements of their own, not in one transaction",
    file: "store/write/retention.ts",
    from: "const done = await db.batch(statements.map((sql) => db.prepare(sql).bind(last.seq)));",
    to: "const done: D1Result[] = []; for (const sql of statements) done.push(...(await db.batch([db.prepare(sql).bind(last.seq)])));",
  },
  {
    name: "a day of the archive ends before it is over",
    file: "store/write/retention.ts",
    from: "key < today",
    to: "key < `${today}~`",
  },
  {
    name: "history read anew leaves the counters as they were",
    file: "store/write/replace.ts",
    from: "for (const sql of counting(1)) add(sql, keptIds);",
    to: "",
  },
  {
    name: "nobody is told of an erasure",
    file: "store/erasure/erasures.ts",
    from: "      INSERT_ERASED_EVENTS,\n",
    to: "",
  },
  {
    name: "system events go before every pipe has passed them",
    file: "store/pipes/system-events.ts",
    from: "const earliest = earliestOf([...pipes.values()]);",
    to: "void earliestOf; const earliest = [...pipes.values()].sort((a, b) => lastSeqOf(b) - lastSeqOf(a))[0] ?? null;",
  },
  {
    name: "a deleted pipe's log goes on",
    file: "store/pipes/delivery-log.ts",
    from: "WHERE EXISTS (SELECT 1 FROM pipes WHERE id = ?2 AND deleted_at IS NULL) ON CONFLICT",
    to: "WHERE ?2 IS NOT NULL ON CONFLICT",
  },
  {
    name: "what was told of an erased contact stays",
    file: "store/erasure/erasures.ts",
    from: "      EMPTY_TOLD,\n",
    to: "",
  },
  {
    name: "attempts with an erased contact's events stay",
    file: "store/erasure/erasures.ts",
    from: "      DELETE_ATTEMPTS,\n",
    to: "",
  },
  {
    name: "attempts with an erased contact's events among others stay as they are",
    file: "store/erasure/erasures.ts",
    from: "      LEAVE_ATTEMPTS,\n",
    to: "",
  },
];
