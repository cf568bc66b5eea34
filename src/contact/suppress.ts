// What people decide about addresses: suppress one by hand, lift what is in force, judge what a storm held back, and take
// over a list from elsewhere. Every use sends commands to the contacts; asking again completes what failed half-way.

import { storeOf } from "../store/db.ts";
import { liftErased } from "../store/erasure/erased.ts";
import { findHeld } from "../store/suppressions/suppressions.ts";
import { fail, ok, type Result } from "../lib/result.ts";
import { isInForce, type Suppression } from "../model/suppression/fold.ts";
import type { SuppressionReason } from "../model/suppression/policy.ts";
import type { Command } from "./commands.ts";
import { newCommandId, sendCommand, sendCommands } from "./send-commands.ts";

/** Held suppressions that one call judges at most. */
export const MOST_JUDGED = 200;
/** Contacts of an import between two writes to the database. */
const IMPORT_STEP = 500;

/**
 * Suppresses an address by hand and resolves to all that speaks against it. Once it is suppressed, the same call changes
 * nothing. Fails with "other note" where it was suppressed by hand before, with another note. Rejects where the contact or
 * the database does not answer. `scope`: "" for all mail; `by`: the name of the token.
 */
export async function suppressByHand(
  env: Env,
  contact: string,
  { scope, note, by }: { scope: string; note: string | null; by: string },
): Promise<Result<Suppression[], "other note">> {
  const common = { id: newCommandId(), reason: "manual", source: "api", by } as const;
  const { snapshot } = await sendCommand(env, contact, { kind: "entry", at: null, ...common, scope, note });
  const standing = snapshot.suppressions.find(
    (one) => isInForce(one) && one.reason === "manual" && one.scope === scope,
  );
  if (note !== null && standing?.note !== note) return fail("other note");
  return ok(snapshot.suppressions);
}

/** Which suppressions a lift ends: `null` for any reason, or for any scope. */
export interface Lift {
  reason: SuppressionReason | null;
  scope: string | null;
  note: string | null;
  by: string;
}

/** Lifts what is in force, also what outlived an erasure. Fails with "nothing in force". Rejects as {@link suppressByHand}. */
export async function liftSuppressions(
  env: Env,
  contact: string,
  { reason, scope, note, by }: Lift,
): Promise<Result<Suppression[], "nothing in force">> {
  const command = { kind: "lift", id: newCommandId(), by, reason, scope, note } as const;
  const { effective, snapshot } = await sendCommand(env, contact, command);
  const ofAllMail = scope === null || scope === "";
  const outlived = ofAllMail ? await liftErased(storeOf(env), env.BUCKET, contact, reason) : false;
  return effective || outlived ? ok(snapshot.suppressions) : fail("nothing in force");
}

/** What becomes of a held suppression: it comes into force, or its storm's bounces do not count. */
export type Judgement = { kind: "release" | "drop"; note: string | null; by: string };

/** Judges what is held of one address; false where nothing is. */
export async function judgeAddress(env: Env, contact: string, judgement: Judgement): Promise<boolean> {
  const { effective } = await sendCommand(env, contact, { ...judgement, id: newCommandId() });
  return effective;
}

/**
 * Judges what is held of a destination, the earliest evidence first, at most {@link MOST_JUDGED} contacts a call.
 * `since`, `until`: times of the evidence, ms. `more`: whether another call may find more.
 */
export async function judgeDestination(
  env: Env,
  range: { destination: string; since: number; until: number },
  judgement: Judgement,
): Promise<{ contacts: number; more: boolean }> {
  const held = await findHeld(storeOf(env), range, MOST_JUDGED);
  const commands = new Map(held.map((contact) => [contact, [{ ...judgement, id: newCommandId() }]]));
  await sendCommands(env, commands);
  return { contacts: commands.size, more: held.length === MOST_JUDGED };
}

/** A suppression as another list has it. `since`: ms, null for now; `scope`: "" for all mail. */
export interface ImportedSuppression {
  contact: string;
  reason: SuppressionReason;
  scope: string;
  note: string | null;
  since: number | null;
}

/** Takes over suppressions; resolves to how many are new, or in force for longer than before. Twice is once. */
export async function importSuppressions(
  env: Env,
  suppressions: readonly ImportedSuppression[],
  by: string,
): Promise<number> {
  const commands = [...Map.groupBy(suppressions, ({ contact }) => contact)].map(
    ([contact, own]): [string, Command[]] => [contact, own.map((one) => commandOf(one, by))],
  );
  let added = 0;
  for (let at = 0; at < commands.length; at += IMPORT_STEP) {
    const { answers } = await sendCommands(env, new Map(commands.slice(at, at + IMPORT_STEP)));
    for (const { changed } of answers.values()) added += changed.filter(Boolean).length;
  }
  return added;
}

function commandOf({ reason, scope, note, since }: ImportedSuppression, by: string): Command {
  return { kind: "entry", id: newCommandId(), reason, scope, note, at: since, source: "import", by };
}
