// Promises broken on purpose: each mutant is a small change of the source under which the simulation has to find a history
// that shows it. They are applied while the source is loaded, never to a file.

export interface Mutant {
  name: string;
  /** Below src/. */
  file: string;
  from: string;
  to: string;
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: "claims forget who came first, so what is delivered again counts as a repeat",
    file: "contact/claims.ts",
    from: "return first === origin;",
    to: "return false;",
  },
  {
    name: "claims grant everything",
    file: "contact/claims.ts",
    from: "return first === origin;",
    to: "return true;",
  },
  {
    name: "the contact's state is told only when it changes, not again after a crash",
    file: "contact/claims.ts",
    from: "(again || next.version !== state.version)",
    to: "next.version !== state.version",
  },
  {
    name: "an evicted object has forgotten its claims",
    file: "contact/contact.ts",
    from: "this.ctx.storage.kv.put(STATE, loaded.state);",
    to: "",
  },
  {
    name: "acknowledged before it is stored",
    file: "process/consume.ts",
    from: "await workOffPortion(portion, claimed, env);",
    to: "for (const { messages } of waiting.values()) for (const message of messages) message.ack(); await workOffPortion(portion, claimed, env);",
  },
  {
    name: "acknowledged when storing failed",
    file: "process/consume.ts",
    from: 'retry(messages, "a slice could not be worked off", error);',
    to: "for (const message of messages) message.ack();",
  },
  {
    name: "not archived",
    file: "process/consume.ts",
    from: "if (fresh.length > 0) puts.push(putBatch(bucket, batch, fresh));",
    to: "",
  },
  {
    name: "stored whether or not the archive has it",
    file: "process/consume.ts",
    from: "await archive(works, batch, env.BUCKET);",
    to: "void archive(works, batch, env.BUCKET).catch(() => undefined);",
  },
  {
    name: "the dead letter's delivery is not kept",
    file: "process/consume.ts",
    from: "(hasRejects(work) ? [putDeadEnvelope(bucket, work.envelope)] : [])",
    to: "[]",
  },
  {
    name: "what cannot be read is dropped",
    file: "process/store.ts",
    from: "deadLetters: complete.flatMap(({ envelope, rejects }) => lettersOf(envelope, rejects)),",
    to: "deadLetters: [],",
  },
  {
    name: "counted in statements of their own, not in the transaction",
    file: "store/slice.ts",
    from: "const results = await db.batch(statements);",
    to: "const results: D1Result[] = []; for (const one of statements) results.push(...(await db.batch([one])));",
  },
  {
    name: "rows that were there already are counted again",
    file: "store/slice.ts",
    from: "WHERE NOT EXISTS (SELECT 1 FROM events WHERE events.id = e.value)",
    to: "",
  },
  {
    name: "rows of earlier slices are counted again",
    file: "store/slice.ts",
    from: "coalesce((SELECT max(seq) FROM events), 0)",
    to: "0",
  },
  {
    name: "every open is its contact's first",
    file: "store/count.ts",
    from: "WHERE old_any IS NULL OR new_any < old_any",
    to: "",
  },
  {
    name: "an earlier open that comes late does not take the title away",
    file: "store/count.ts",
    from: "UNION ALL SELECT old_any, -1, 0 FROM firsts WHERE new_any < old_any",
    to: "",
  },
  {
    name: "a campaign is taken to have begun a day later",
    file: "store/count.ts",
    from: "SELECT min(day) FROM campaign_rollups",
    to: "SELECT min(day) + 86400000 FROM campaign_rollups",
  },
  {
    name: "an older state of a contact replaces a newer one",
    file: "store/slice.ts",
    from: "WHERE excluded.version > contacts.version`",
    to: "`",
  },
  {
    name: "repeats are tallied again with every delivery",
    file: "store/slice.ts",
    from: "AND NOT EXISTS (SELECT 1 FROM tallies WHERE tallies.envelope = t.value->>0)",
    to: "",
  },
  {
    name: "answered 200 before the queue has it",
    file: "ingest/keep.ts",
    from: 'await within(QUEUE_DEADLINE, "the queue", env.QUEUE.send(message, { contentType: "bytes" }));',
    to: 'void env.QUEUE.send(message, { contentType: "bytes" }).catch(() => null);',
  },
  {
    name: "no spool where the queue fails",
    file: "ingest/spool.ts",
    from: "await bucket.put(PREFIX + id, message);",
    to: "",
  },
  {
    name: "swept out of the spool before the queue has it",
    file: "ingest/spool.ts",
    from: 'await within(SEND_DEADLINE, "the queue", env.QUEUE.sendBatch(messages));\n  await env.BUCKET.delete(keys);',
    to: 'await env.BUCKET.delete(keys);\n  await within(SEND_DEADLINE, "the queue", env.QUEUE.sendBatch(messages));',
  },
  {
    name: "given up without keeping anything",
    file: "process/give-up.ts",
    from: "await bury(envelope, env);",
    to: "",
  },
  {
    name: "a replay travels as a new envelope",
    file: "api/dead-letters.ts",
    from: "{ ...envelope, replay: true }",
    to: "{ ...envelope, id: `${envelope.id.slice(0, -1)}~`, replay: true }",
  },
  {
    name: "two reports of one kind and mail are one",
    file: "model/id.ts",
    from: "JSON.stringify([provider, ...identity])",
    to: "JSON.stringify([provider, ...identity.slice(0, 3)])",
  },
  {
    name: "a delivery between soft bounces does not help",
    file: "model/contact.ts",
    from: "if (good.some((at) => at > after && at <= fact.at)) run = [];",
    to: "",
  },
  {
    name: "the latest event decides a message's status",
    file: "model/message.ts",
    from: "if (rank !== 0) return rank > 0;",
    to: "",
  },
  {
    name: "what a person ordered is stored only if it changed something just now, not again after a crash",
    file: "api/orders.ts",
    from: "snapshot.version > 0",
    to: "answers.get(contact)?.changed.includes(true)",
  },
  {
    name: "a lift passes over what was known and is dated later",
    file: "contact/acts.ts",
    from: "const ends = idsAfter(state.facts, now);",
    to: "const ends = [];",
  },
  {
    name: "a lift also ends what happens later",
    file: "model/contact.ts",
    from: "return dated.at <= at || ends.includes(dated.id);",
    to: "return true;",
  },
  {
    name: "the tombstone does not refuse what was received before it",
    file: "contact/claims.ts",
    from: "received <= erasedAt ||",
    to: "",
  },
  {
    name: "the tombstone forgets what was claimed before it",
    file: "contact/contact.ts",
    from: "claims.map(([key, , at]) => [key, ERASED_ORIGIN, at]);",
    to: "claims.slice(claims.length);",
  },
  {
    name: "a transaction under way brings back what is being erased",
    file: "store/slice.ts",
    from: "WHERE x.contact IS NOT NULL\n    UNION ALL",
    to: "WHERE false\n    UNION ALL",
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
    name: "erased rows are not noted as gone",
    file: "store/erasures.ts",
    from: "...goneFrom(`seq IN (${DOOMED})`), ",
    to: "",
  },
  {
    name: "rows that a second try finds are noted as gone in a transaction of their own",
    file: "store/erasures.ts",
    from: "const results = await db.batch(statements);\n    if",
    to: "const results: D1Result[] = []; for (const one of statements) results.push(...(await db.batch([one])));\n    if",
  },
  {
    name: "a suppression does not outlive its contact",
    file: "store/erasures.ts",
    from: "WHERE id = ?1 AND kept_reason IS NOT NULL AND erased_at IS NOT NULL",
    to: "WHERE id = ?1 AND false",
  },
  {
    name: "what is erased of a delivery goes into the archive all the same",
    file: "process/consume.ts",
    from: "await takeOut(works, erased, config, env);",
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
    name: "an erasure asked for again does not begin again",
    file: "store/erasures.ts",
    from: "tombstone = excluded.tombstone, begun = 0, pass = 1, cursor = min(cursor, ?8)",
    to: "note = ?5, cursor = min(cursor, max(cursor, ?8))",
  },
  {
    name: "an erased contact's rows go with those that came later",
    file: "store/erasures.ts",
    from: "ON ${OWN} AND events.received_at <= x.erased_at\n",
    to: "ON ${OWN} AND x.erased_at > 0\n",
  },
  {
    name: "history read anew tells the contacts nothing",
    file: "process/apply.ts",
    from: "const answer = await env.CONTACTS.getByName(contact).amend(amendment);",
    to: "const answer = { granted: asked.map(() => true), snapshot: null };",
  },
  {
    name: "an erasure takes out what came later",
    file: "erasure/rewrite.ts",
    from: "if (receivedAt > one.until) continue;",
    to: "",
  },
  {
    name: "a delivery that was given up goes with the first who is erased",
    file: "erasure/letters.ts",
    from: "return left.body.length === 0 ? null : textOf(left);",
    to: "return null;",
  },
  {
    name: "news vanishes that came with a repeat of what was erased",
    file: "process/renormalise.ts",
    from: 'return kind !== "vanished" || envelope.erased !== true ||',
    to: "return true ||",
  },
  {
    name: "an event ends that is younger",
    file: "store/retention.ts",
    from: "results.at(young < 0 ? -1 : young - 1);",
    to: "results.at(young);",
  },
  {
    name: "rows that end are not noted as gone",
    file: "store/retention.ts",
    from: '...goneFrom("seq <= ?1"), ',
    to: "",
  },
  {
    name: "a message ends with the first of its events",
    file: "store/retention.ts",
    from: "AND n.seq > ?1))`;",
    to: "AND false))`;",
  },
  {
    name: "rows end in statements of their own, not in one transaction",
    file: "store/retention.ts",
    from: "const done = await db.batch(statements.map((sql) => db.prepare(sql).bind(last.seq)));",
    to: "const done: D1Result[] = []; for (const sql of statements) done.push(...(await db.batch([db.prepare(sql).bind(last.seq)])));",
  },
  {
    name: "a day of the archive ends before it is over",
    file: "store/retention.ts",
    from: "key < today",
    to: "key < `${today}~`",
  },
  {
    name: "an event told differently does not claim what tells it now",
    file: "process/apply.ts",
    from: "share.amendment.claims.push(claimOf(after, fact, before?.id ?? null));",
    to: "if (before !== null) { if (fact !== null) share.amendment.added.push(fact); granted.add(difference); continue; } share.amendment.claims.push(claimOf(after, fact, null));",
  },
  {
    name: "rows are changed before the contacts are told",
    file: "process/apply.ts",
    from: "const shares = await sharesOf(env.DB, differences);",
    to: "await storeReplacements(env.DB, differences.flatMap((one) => (one.before === null || one.after === null ? [] : [{ before: one.before, after: one.after.row }]))); const shares = await sharesOf(env.DB, differences);",
  },
  {
    name: "history read anew leaves the counters as they were",
    file: "store/amend.ts",
    from: "for (const sql of counting(1)) add(sql, keptIds);",
    to: "",
  },
];
