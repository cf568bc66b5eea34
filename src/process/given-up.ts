// The scheduled look at messages that were given up: each becomes a dead letter with its whole delivery. A message may
// end the process that reads it, so the look is noted before it begins. What ended a process twice, or ended its
// consumers, becomes a dead letter that nobody has read: its text is left out of the row, and its delivery is kept.

import { within } from "../lib/deadline.ts";
import { describeError, isOutage } from "../lib/outage.ts";
import type { Envelope } from "../model/envelope.ts";
import { copyToDeadLetters } from "../store/bucket/archive.ts";
import {
  deleteGivenUp,
  getGivenUp,
  listGivenUp,
  noteLooks,
  type GivenUp,
  type QueuedMessage,
} from "../store/bucket/given-up.ts";
import { storeOf } from "../store/db.ts";
import { deadLetterOf, putDeadEnvelope, putUnreadEnvelope } from "../store/dead-letters.ts";
import { NO_ROWS, storeSlice } from "../store/write/slice.ts";
import { bodyIsGone, decodeMessage, openMessage } from "./decode.ts";
import { withoutErased } from "./redact-erased.ts";

/** Deadline for each call to the bucket or the database, ms. */
const DEADLINE = 30_000;
/** What one run does: messages, each with some three database queries of 1,000, and ms. */
const MOST_A_RUN = 200;
const MOST_TIME = 30_000;
/** After so many looks that did not end, the message becomes a dead letter unread. */
const MOST_LOOKS = 2;

const FAILED = "it failed for a hundred times; see the log for why";
const UNREAD = "whatever read it ended without an error, so it is kept unread";

/** Makes dead letters of given-up messages, oldest first. Resolves to how many. Rejects if some of them must wait. */
export async function buryGivenUp(env: Env): Promise<number> {
  const until = Date.now() + MOST_TIME;
  const keys = await within(DEADLINE, "the bucket", listGivenUp(env.BUCKET, "", MOST_A_RUN));
  let waiting = 0;
  let last: unknown;
  for (const key of keys) {
    if (Date.now() >= until) break;
    try {
      await buryOne(env, key);
    } catch (error) {
      waiting += 1;
      last = error;
      console.error({ message: "a given-up message waits", ...describeError(error) });
      if (isOutage(error)) break; // the others would meet it, too
    }
  }
  if (waiting > 0) throw last;
  return keys.length;
}

async function buryOne(env: Env, key: string): Promise<void> {
  const given = await within(DEADLINE, "the bucket", getGivenUp(env.BUCKET, key));
  if (given === null) return; // another run was here
  const unread = given.because === "died" || given.looks >= MOST_LOOKS;
  if (unread) await buryUnread(env, given.message);
  else if (!(await lookAt(env, given))) return;
  await within(DEADLINE, "the bucket", deleteGivenUp(env.BUCKET, key));
}

/** Looks at a message under a note. Resolves to whether it is a dead letter now. */
async function lookAt(env: Env, { key, looks, message }: GivenUp): Promise<boolean> {
  if (!(await within(DEADLINE, "the bucket", noteLooks(env.BUCKET, key, looks + 1)))) return false;
  try {
    const { envelope } = await decodeMessage(message, env.BUCKET);
    await bury(env, await withoutErased(envelope, env));
  } catch (error) {
    if (!isOutage(error)) {
      console.error({ message: "a given-up message could not be read", ...describeError(error) });
      await buryUnread(env, message);
      return true;
    }
    // An outage says nothing about the message. If this fails as well, one look counts too many.
    await within(DEADLINE, "the bucket", noteLooks(env.BUCKET, key, looks)).catch(() => false);
    throw error;
  }
  return true;
}

async function bury(env: Env, envelope: Envelope): Promise<void> {
  if (envelope.erased === true && envelope.body.length === 0) return;
  // As text also if it is no UTF-8, like rejects: nobody would find an address in base64, and the bucket has the bytes.
  const raw = new TextDecoder().decode(envelope.body);
  await within(DEADLINE, "the bucket", putDeadEnvelope(env.BUCKET, envelope));
  await storeLetter(env, envelope, FAILED, raw);
}

/** Makes a dead letter without looking at the body: its bytes are only copied. */
async function buryUnread(env: Env, message: QueuedMessage): Promise<void> {
  const opened = await openMessage(message);
  const { BUCKET } = env;
  if (opened.batch === null) {
    await within(DEADLINE, "the bucket", putUnreadEnvelope(BUCKET, opened.envelope));
  } else if ("parked" in opened) {
    // Its object holds others, too. The part was read before it was parked, so this reads no more than its line.
    const { envelope } = await decodeMessage(message, BUCKET);
    await within(DEADLINE, "the bucket", putUnreadEnvelope(BUCKET, envelope));
  } else if (
    !(await within(DEADLINE, "the archive", copyToDeadLetters(BUCKET, opened.batch, opened.envelope.id)))
  ) {
    const { envelope } = bodyIsGone(opened.envelope, message);
    await within(DEADLINE, "the bucket", putUnreadEnvelope(BUCKET, envelope));
  }
  await storeLetter(env, opened.envelope, UNREAD, "");
}

async function storeLetter(
  env: Env,
  envelope: Omit<Envelope, "body">,
  reason: string,
  raw: string,
): Promise<void> {
  const deadLetters = [deadLetterOf(envelope, null, reason, raw)];
  await within(DEADLINE, "the database", storeSlice(storeOf(env), { ...NO_ROWS, deadLetters }));
}
