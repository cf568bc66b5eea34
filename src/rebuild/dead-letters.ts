// Restores the list of dead letters. The bucket has the delivery of each; those that were discarded or became events have
// none any more, and do not come back.

import { readEnvelope } from "../process/parse.ts";
import { DEAD_LETTERS } from "../store/bucket/layout.ts";
import { storeOf } from "../store/db.ts";
import { deadLetterOf, deadLettersFrom, deadLettersOf, getDeadEnvelope } from "../store/dead-letters.ts";
import type { Rebuild, RebuildCounts } from "../store/rebuild/rebuilds.ts";
import { NO_ROWS, storeSlice } from "../store/write/slice.ts";
import type { Run } from "./step.ts";

/** Why a delivery is kept that has no reject: the reason itself stood in the lost database. */
const READABLE = "it was kept before the database was rebuilt; every element of it can be read now";
const UNREAD = "it was kept before the database was rebuilt, which could not read it";

/** After so many tries that ended nowhere, a delivery is not read again. */
const DEADLY = 4;

/** Restores the dead letters of an object that the database lacks. One that ended a process before is not read again. */
export async function restoreDeadLetters(
  { env, config, erased }: Run,
  key: string,
  { tries }: Pick<Rebuild, "tries">,
): Promise<Partial<RebuildCounts>> {
  const id = key.slice(DEAD_LETTERS.length, key.indexOf(".", DEAD_LETTERS.length));
  const kept = await getDeadEnvelope(env.BUCKET, id);
  if (kept === null) return {};
  const stored = await deadLettersFrom(storeOf(env), id);
  const isDeadly = tries > DEADLY;
  const envelope = isDeadly ? kept : await erased.redact(kept);
  const problem = isDeadly ? UNREAD : null;
  const { rejects } = readEnvelope({ envelope, batch: "", line: 0, problem }, config);
  const whole = isDeadly || rejects.length === 0;
  if (whole && stored.size > 0) return {};
  const letters = whole
    ? [deadLetterOf(envelope, null, isDeadly ? UNREAD : READABLE, "")]
    : deadLettersOf(envelope, rejects).filter((letter) => !stored.has(letter.id));
  await storeSlice(storeOf(env), { ...NO_ROWS, deadLetters: letters });
  return { dead_letters: letters.length };
}
