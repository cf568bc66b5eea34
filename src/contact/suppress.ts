// People's decisions about addresses: suppress an address by hand, lift suppressions, judge the suppressions that a
// storm holds. Each of them sends commands to the contacts. If one fails half-way, a repeated call completes it.

import { storeOf } from "../store/db.ts";
import { liftErased } from "../store/erasure/erased.ts";
import { findHeld } from "../store/suppressions/suppressions.ts";
import { fail, ok, type Result } from "../lib/result.ts";
import { isInForce, type Suppression } from "../model/suppression/fold.ts";
import type { SuppressionReason } from "../model/suppression/policy.ts";
import { newCommandId, sendCommand, sendCommands } from "./send-commands.ts";

/** How many contacts with held suppressions one call judges at most. */
export const MOST_JUDGED = 200;

/**
 * Suppresses an address by hand, and resolves to all of the contact's suppressions. If the address is suppressed
 * already, the call changes nothing. Fails with "other note" if it was suppressed by hand before with a different note.
 * Rejects if the contact or the database does not answer. `scope`: "" for all mail; `by`: the name of the token.
 */
export async function suppressByHand(
  env: Env,
  contact: string,
  { scope, note, by }: { scope: string; note: string | null; by: string },
): Promise<Result<Suppression[], "other note">> {
  const common = { id: newCommandId(), reason: "manual", source: "api", by } as const;
  const { snapshot } = await sendCommand(env, contact, { kind: "entry", at: null, ...common, scope, note });
  const standing = snapshot.suppressions.find(
    (suppression) => isInForce(suppression) && suppression.reason === "manual" && suppression.scope === scope,
  );
  if (note !== null && standing?.note !== note) return fail("other note");
  return ok(snapshot.suppressions);
}

/** Which suppressions a lift ends (null for any reason or any scope), with a note and the name of the token. */
export interface Lift {
  reason: SuppressionReason | null;
  scope: string | null;
  note: string | null;
  by: string;
}

/**
 * Lifts the suppressions in force, also one that outlived an erasure. Resolves to all of the contact's suppressions.
 * Fails with "nothing in force". Rejects like {@link suppressByHand}.
 */
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

/**
 * A decision about held suppressions: `release` lets them come into force, `drop` makes their storm's bounces not
 * count.
 */
export type Judgement = { kind: "release" | "drop"; note: string | null; by: string };

/**
 * Judges the held suppressions of one address. Resolves to false if it has none. Rejects like {@link suppressByHand}.
 */
export async function judgeAddress(env: Env, contact: string, judgement: Judgement): Promise<boolean> {
  const { effective } = await sendCommand(env, contact, { ...judgement, id: newCommandId() });
  return effective;
}

/**
 * Judges the held suppressions of a destination, the earliest evidence first, for at most {@link MOST_JUDGED} contacts.
 * `since`, `until`: the range of the evidence's times, ms since the epoch. Resolves to how many contacts it judged;
 * `more`: whether another call may find more. Rejects like {@link suppressByHand}.
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
