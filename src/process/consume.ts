// The queue's consumer, and with dead-queue.ts the only module that acknowledges or retries messages. An envelope is
// acknowledged once all of its events are stored. An envelope that fails for a temporary reason is delivered again, and
// its claims are granted as before. plan.ts says what happens to messages whose consumer ended without an exception.

import { configOf, type Config } from "../config/config.ts";
import { describeError } from "../lib/outage.ts";
import { MINUTE } from "../lib/time.ts";
import { spool } from "../ingest/spool.ts";
import { againId } from "../store/bucket/layout.ts";
import { putGivenUp } from "../store/bucket/given-up.ts";
import { deleteMarks, listMarks, markedAs, putMark } from "../store/bucket/working-marks.ts";
import type { CredentialUse } from "../store/credentials.ts";
import { isFull } from "../store/outages.ts";
import { decodeMessage, frameToSpool } from "./decode.ts";
import { noteCredentials, useOf } from "./credentials.ts";
import { processEnvelopes, type Budget, type IncomingEnvelope } from "./pipeline.ts";
import { needsMarks, planOf, type Plan } from "./plan.ts";
import { isLastTry, retryDelay, whileFull } from "./retry.ts";
import { mayStore, noteFull } from "./room.ts";

/**
 * Size of the bodies that are processed together, in bytes. Everything built from them stays far below the 128 MB
 * limit.
 */
const GROUP_BYTES = 2_000_000;
/**
 * What one invocation does: slices of events, each with some ten database queries of 1,000 and up to 1,000 calls of
 * 100,000; and ms, of the 15 minutes. The rest of its batch comes again after a moment.
 */
const MOST_SLICES = 20;
const MOST_TIME = 5 * MINUTE;
const LATER = { delaySeconds: 5 };

/** An envelope and its messages. The queue may deliver an envelope twice, even within one batch. */
type Delivered = IncomingEnvelope & { messages: Message[] };

interface Work {
  config: Config;
  env: Env;
  budget: Budget;
  /** The credentials that proved the envelopes that were stored. */
  used: CredentialUse[];
}

/** Processes a batch of envelopes, group by group. Every message ends acknowledged or retried. Never rejects. */
export async function consume(batch: MessageBatch, env: Env): Promise<void> {
  const budget = { slices: MOST_SLICES, until: Date.now() + MOST_TIME };
  const work: Work = { config: configOf(env), env, budget, used: [] };
  if (!(await hasRoom(work))) return await waitForRoom(batch.messages, env.BUCKET);
  const plan = await makePlan(batch.messages, env.BUCKET);
  await workOnAll(plan.first, work);
  if (plan.again.length > 0) await underMark(plan.again, plan, work);
  for (const message of plan.alone) await underMark([message], plan, work);
  for (const message of plan.hopeless) await setAside(message, plan, env.BUCKET);
  await noteCredentials(env, work.used);
}

/** Divides the batch. If the marks cannot be read, what was delivered before waits. */
async function makePlan(messages: readonly Message[], bucket: R2Bucket): Promise<Plan> {
  if (!needsMarks(messages)) return planOf(messages, [], Date.now());
  try {
    return planOf(messages, await listMarks(bucket, Date.now()), Date.now());
  } catch (error) {
    const [first, others] = [true, false].map((wanted) =>
      messages.filter(({ attempts }) => (attempts === 1) === wanted),
    );
    retry(others ?? [], "the marks could not be read", error);
    return planOf(first ?? [], [], Date.now());
  }
}

/** Works on messages under a mark, which stays if the process ends meanwhile. */
async function underMark(messages: readonly Message[], plan: Plan, work: Work): Promise<void> {
  if (isSpent(work.budget)) return later(messages);
  const { BUCKET } = work.env;
  let mark: string;
  try {
    mark = await putMark(
      BUCKET,
      messages.map(({ id }) => id),
      Date.now(),
    );
  } catch (error) {
    return retry(messages, "messages could not be marked", error);
  }
  const stored = await workOnAll(messages, work);
  const earlier = stored ? messages.flatMap(({ id }) => plan.own.get(markedAs(id)) ?? []) : [];
  await forget(BUCKET, [mark, ...earlier]);
}

/** Marks that stay by mistake do little harm: their messages are worked on alone. */
async function forget(bucket: R2Bucket, marks: readonly string[]): Promise<void> {
  try {
    await deleteMarks(bucket, marks);
  } catch (error) {
    console.warn({ message: "marks could not be deleted", ...describeError(error) });
  }
}

/** Gives a message up without reading it. */
async function setAside(message: Message, plan: Plan, bucket: R2Bucket): Promise<void> {
  try {
    await putGivenUp(bucket, message, "died");
    await forget(bucket, plan.own.get(markedAs(message.id)) ?? []);
    console.error({ message: "a message ended its consumer and was set aside", attempts: message.attempts });
    message.ack();
  } catch (error) {
    retry([message], "a message could not be set aside", error);
  }
}

/** Works on messages in groups. Resolves to whether all of them were stored. */
async function workOnAll(messages: readonly Message[], work: Work): Promise<boolean> {
  let group = new Map<string, Delivered>();
  let bytes = 0;
  let stored = true;
  for (const message of messages) {
    if (isSpent(work.budget)) {
      later([message]);
      stored = false;
      continue;
    }
    const decoded = await decodeOrRetry(message, work.env);
    if (decoded === null) {
      stored = false;
      continue;
    }
    const twin = group.get(decoded.envelope.id);
    if (twin !== undefined && twin.parked === undefined && decoded.parked === undefined) {
      twin.messages.push(message);
      continue;
    }
    if (twin !== undefined) {
      // A part of an envelope is not the envelope: one goes after the other.
      stored = (await processGroup(group, work)) && stored;
      group = new Map();
      bytes = 0;
    }
    group.set(decoded.envelope.id, { ...decoded, messages: [message] });
    bytes += decoded.envelope.body.length;
    if (bytes < GROUP_BYTES) continue;
    stored = (await processGroup(group, work)) && stored;
    group = new Map();
    bytes = 0;
  }
  return group.size > 0 ? (await processGroup(group, work)) && stored : stored;
}

async function decodeOrRetry(message: Message, env: Env): Promise<IncomingEnvelope | null> {
  try {
    return await decodeMessage(message, env.BUCKET);
  } catch (error) {
    retry([message], "a message could not be opened", error);
    return null;
  }
}

async function processGroup(group: ReadonlyMap<string, Delivered>, work: Work): Promise<boolean> {
  const waiting = new Map(group);
  const messages = (): Message[] => [...waiting.values()].flatMap((delivered) => delivered.messages);
  if (!(await hasRoom(work))) {
    await waitForRoom(messages(), work.env.BUCKET);
    return false;
  }
  try {
    await processEnvelopes([...group.values()], work.config, work.env, {
      budget: work.budget,
      onStored: (envelopeId) => {
        const stored = waiting.get(envelopeId);
        for (const message of stored?.messages ?? []) message.ack();
        if (stored?.credential !== undefined) work.used.push(useOf(stored.envelope, stored.credential));
        waiting.delete(envelopeId);
      },
    });
    later(messages());
  } catch (error) {
    if (isFull(error)) {
      if (work.config.storage.shards === 1) noteFull(work.env);
      console.error({ message: "the database is full", ...describeError(error) });
      await waitForRoom(messages(), work.env.BUCKET);
    } else retry(messages(), "a group of envelopes could not be processed", error);
  }
  return waiting.size === 0;
}

const hasRoom = async ({ env, config }: Work): Promise<boolean> => await mayStore(env, config.storage.limit);

const isSpent = ({ slices, until }: Budget): boolean => slices <= 0 || Date.now() >= until;

function later(messages: readonly Message[]): void {
  for (const message of messages) message.retry(LATER);
}

function retry(messages: readonly Message[], what: string, error: unknown): void {
  for (const message of messages)
    message.retry({ delaySeconds: retryDelay(message.attempts, Math.random()) });
  if (messages.length > 0)
    console.error({ message: what, envelopes: messages.length, ...describeError(error) });
}

/**
 * Lets messages wait until the database has room again, however long that takes. Instead of being given up after their
 * last try, they go to the spool, and from there into the queue as new messages.
 */
async function waitForRoom(messages: readonly Message[], bucket: R2Bucket): Promise<void> {
  if (messages.length > 0)
    console.warn({ message: "messages wait until the database has room", envelopes: messages.length });
  for (const message of messages) {
    if (isLastTry(message.attempts) && (await isSpooled(message, bucket))) message.ack();
    else message.retry({ delaySeconds: whileFull(message.attempts) });
  }
}

/** Puts a message into the spool. Resolves to whether it is there. */
async function isSpooled(message: Message, bucket: R2Bucket): Promise<boolean> {
  try {
    await spool(bucket, againId(message.id), await frameToSpool(message));
    return true;
  } catch {
    return false; // the next try has the same chance
  }
}
