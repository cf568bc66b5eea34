// Mutants of src/process, src/ingest.

import type { Mutant } from "./mutant.ts";

export const PROCESS: readonly Mutant[] = [
  {
    name: "an event whose row was stored under another reading is a repeat of itself",
    file: "process/pipeline.ts",
    from: "if (left > 0) unmatched.set(own, left - 1);",
    to: "if (left < 0) unmatched.set(own, left - 1);",
  },
  {
    name: "a message is acknowledged before it is stored",
    file: "process/pipeline.ts",
    from: "await storeSliceOf(claimed, group, env);",
    to: "for (const { slice } of slices) for (const { envelope } of slice.complete) onStored(envelope.id); await storeSliceOf(claimed, group, env);",
  },
  {
    name: "a message is acknowledged although storing failed",
    file: "process/consume.ts",
    from: 'else retry(messages(), "a group of envelopes could not be processed", error);',
    to: "else for (const message of messages()) message.ack();",
  },
  {
    name: "deliveries are not archived",
    file: "process/pipeline.ts",
    from: "if (fresh.length > 0) puts.push(putBatch(bucket, batch, fresh));",
    to: "",
  },
  {
    name: "events are stored even if archiving failed",
    file: "process/pipeline.ts",
    from: "await archive([...redacted.values()], batch, env.BUCKET);",
    to: "void archive([...redacted.values()], batch, env.BUCKET).catch(() => undefined);",
  },
  {
    name: "a dead letter's delivery is not kept",
    file: "process/pipeline.ts",
    from: "(hasRejects(own) ? [putDeadEnvelope(bucket, own.envelope)] : [])",
    to: "[]",
  },
  {
    name: "unreadable elements are dropped without dead letters",
    file: "process/store.ts",
    from: "deadLetters: complete.flatMap(({ envelope, rejects }) => deadLettersOf(envelope, rejects)),",
    to: "deadLetters: [],",
  },
  {
    name: "a given-up message leaves no dead letter",
    file: "process/given-up.ts",
    from: "await storeLetter(env, envelope, FAILED, raw);",
    to: "",
  },
  {
    name: "a given-up message is acknowledged without being kept",
    file: "process/dead-queue.ts",
    from: 'await within(DEADLINE, "the bucket", putGivenUp(env.BUCKET, message, "failed"));',
    to: "",
  },
  {
    name: "a given-up message is looked at before it is kept",
    file: "process/dead-queue.ts",
    from: "    try {\n      await within(",
    to: "    try {\n      new TextDecoder().decode(message.body as Uint8Array);\n      await within(",
  },
  {
    name: "a look at a given-up message is not noted",
    file: "process/given-up.ts",
    from: "noteLooks(env.BUCKET, key, looks + 1)",
    to: "noteLooks(env.BUCKET, key, looks)",
  },
  {
    name: "what nobody could read is read to keep it",
    file: "process/given-up.ts",
    from: 'await within(DEADLINE, "the bucket", putUnreadEnvelope(BUCKET, opened.envelope));',
    to: 'await within(DEADLINE, "the bucket", putDeadEnvelope(BUCKET, opened.envelope));',
  },
  {
    name: "what ended its consumers is not set aside",
    file: "process/plan.ts",
    from: "(deaths.get(id) ?? 0) >= MOST_DEATHS",
    to: "(deaths.get(id) ?? 0) > 1_000",
  },
  {
    name: "neighbours share the fate of what ended their consumer",
    file: "process/plan.ts",
    from: "isUnexplained(message, now)) plan.alone.push(message);",
    to: "isUnexplained(message, now)) plan.again.push(message);",
  },
  {
    name: "what shared a batch with a deadly message is set aside with it",
    file: "process/plan.ts",
    from: "if (named.length > 1 || only === undefined) named.forEach((id) => shared.add(id));",
    to: "if (named.length > 1 || only === undefined) for (const id of named) deaths.set(id, 2);",
  },
  {
    name: "the marks of ended processes are not read",
    file: "process/consume.ts",
    from: "await listMarks(bucket, Date.now())",
    to: "[]",
  },
  {
    name: "a message that ended its consumers is acknowledged without being kept",
    file: "process/consume.ts",
    from: 'await putGivenUp(bucket, message, "died");',
    to: "",
  },
  {
    name: "a replay travels as a new envelope",
    file: "process/replay.ts",
    from: "{ ...envelope, replay: true }",
    to: "{ ...envelope, id: `${envelope.id.slice(0, -1)}~`, replay: true }",
  },
  {
    name: "the erased part of a delivery is archived all the same",
    file: "process/pipeline.ts",
    from: "await redactErased(parsed, erased, config, env);",
    to: "new Map(parsed.map((one) => [one, { ...one, redacted: true as const }])); void redactErased;",
  },
  {
    name: "a delivery is answered with 200 before the queue has it",
    file: "ingest/durable.ts",
    from: 'await within(QUEUE_DEADLINE, "the queue", env.QUEUE.send(message, { contentType: "bytes" }));',
    to: 'void env.QUEUE.send(message, { contentType: "bytes" }).catch(() => null);',
  },
  {
    name: "hard bounces from before a storm could be told stay in force",
    file: "process/pipeline.ts",
    from: "await holdEarlier(env, claimed.suspects, config.storm);",
    to: "void holdEarlier;",
  },
  {
    name: "there are no storms",
    file: "process/storm.ts",
    from: "if (!isStormy(bucket)) return null;",
    to: "if (!isStormy(bucket) || bucket > 0) return null;",
  },
  {
    name: "only a consumer that sees a whole storm looks back at what came before",
    file: "process/storm.ts",
    from: "return window.outcomes * 5 >= policy.outcomes &&",
    to: "return window.outcomes >= 2 * policy.outcomes &&",
  },
  {
    name: "what was stored before a slice is not counted to its storm",
    file: "process/storm.ts",
    from: "return sumOf([...stored, ...coming]);",
    to: "return sumOf([...stored.slice(stored.length), ...coming]);",
  },
  {
    name: "a delivery is not spooled when the queue fails",
    file: "ingest/spool.ts",
    from: "await bucket.put(spoolKey(id), message);",
    to: "",
  },
  {
    name: "a message is deleted from the spool before the queue has it",
    file: "ingest/spool.ts",
    from: 'await within(SEND_DEADLINE, "the queue", env.QUEUE.sendBatch(messages));\n  await env.BUCKET.delete(keys);',
    to: 'await env.BUCKET.delete(keys);\n  await within(SEND_DEADLINE, "the queue", env.QUEUE.sendBatch(messages));',
  },
];
