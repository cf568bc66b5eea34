// People's decisions about single addresses: suppress an address or a whole domain by hand, lift suppressions. Each of
// them sends a command to the contact. If one fails half-way, a repeated call completes it.

import { storeOf } from "../store/db.ts";
import { journalErasure } from "../store/bucket/journal.ts";
import { findErased, hashesOf, liftErased } from "../store/erasure/erased.ts";
import { fail, ok, type Result } from "../lib/result.ts";
import type { SuppressionReason } from "../model/suppression/policy.ts";
import type { Setting } from "./commands.ts";
import { newCommandId, sendCommand } from "./send-commands.ts";

/** What a person sets. `scope`: "" for all mail; `by`: the name of the token. What is undefined stays as it is. */
export type ByHand = Pick<Setting, "scope" | "by" | "reason" | "note" | "until">;

/**
 * Suppresses an address or a whole domain by hand, or changes the entry by hand that is in force: then the former one
 * ends when the new one begins. Rejects if the contact or the database does not answer.
 */
export async function suppressByHand(env: Env, contact: string, setting: ByHand): Promise<void> {
  const command = { kind: "set", id: newCommandId(), source: "api", ...setting } as const;
  await sendCommand(env, contact, command);
}

/** Which suppressions a lift ends (null for any reason or any scope), with a note and the name of the token. */
export interface Lift {
  reason: SuppressionReason | null;
  scope: string | null;
  note: string | null;
  by: string;
}

/**
 * Lifts the suppressions in force, also one that outlived an erasure. Fails with "nothing in force". Rejects like {@link suppressByHand}.
 */
export async function liftSuppressions(
  env: Env,
  contact: string,
  { reason, scope, note, by }: Lift,
): Promise<Result<null, "nothing in force">> {
  const command = { kind: "lift", id: newCommandId(), by, reason, scope, note } as const;
  const { effective } = await sendCommand(env, contact, command);
  const ofAllMail = scope === null || scope === "";
  const outlived = ofAllMail ? await liftOutlived(env, contact, reason) : false;
  return effective || outlived ? ok(null) : fail("nothing in force");
}

/** Lifts the suppression that outlived the contact's erasure, after the journal has it. Resolves to whether there was one. */
async function liftOutlived(env: Env, contact: string, reason: SuppressionReason | null): Promise<boolean> {
  const kept = (await findErased(storeOf(env), env.BUCKET, [contact])).get(contact);
  if (kept === undefined || (reason ?? kept.reason) !== kept.reason) return false;
  const hashes = [...(await hashesOf(env.BUCKET, [contact])).keys()];
  await journalErasure(env.BUCKET, { kind: "kept ended", hashes, reason });
  return await liftErased(storeOf(env), env.BUCKET, contact, reason);
}
