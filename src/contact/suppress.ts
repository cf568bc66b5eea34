// People's decisions about single addresses: suppress an address or a whole domain by hand, lift suppressions;
// and import a list from another system. Each of them sends commands to the contacts. If one fails half-way, a repeated
// call completes it.

import { storeOf } from "../store/db.ts";
import { liftErased } from "../store/erasure/erased.ts";
import { fail, ok, type Result } from "../lib/result.ts";
import type { SuppressionReason } from "../model/suppression/policy.ts";
import type { Command, Setting } from "./commands.ts";
import { newCommandId, sendCommand, sendCommands } from "./send-commands.ts";

/** How many contacts of an import are written to the database at a time. */
const IMPORT_STEP = 500;

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
  const outlived = ofAllMail ? await liftErased(storeOf(env), env.BUCKET, contact, reason) : false;
  return effective || outlived ? ok(null) : fail("nothing in force");
}

/** A suppression from another system's list. `since`: ms since the epoch, null for now; `scope`: "" for all mail. */
export interface ImportedSuppression {
  contact: string;
  reason: SuppressionReason;
  scope: string;
  note: string | null;
  since: number | null;
  /** When it ends by itself, ms since the epoch; left out if it does not. */
  expires?: number;
}

/**
 * Imports suppressions. `id`: of the import, by which its entries can be found again. Resolves to how many are new or in force since an earlier time than before. The same import
 * again changes nothing. `by`: the name of the token. Rejects like {@link suppressByHand}.
 */
export async function importSuppressions(
  env: Env,
  suppressions: readonly ImportedSuppression[],
  by: string,
  id = newCommandId(),
): Promise<number> {
  const commands = [...Map.groupBy(suppressions, ({ contact }) => contact)].map(
    ([contact, list]): [string, Command[]] => [
      contact,
      list.map((suppression) => commandOf(suppression, by, `${id}.${newCommandId()}`)),
    ],
  );
  let added = 0;
  for (let at = 0; at < commands.length; at += IMPORT_STEP) {
    const { answers } = await sendCommands(env, new Map(commands.slice(at, at + IMPORT_STEP)));
    for (const { changed } of answers.values()) added += changed.filter(Boolean).length;
  }
  return added;
}

function commandOf(
  { reason, scope, note, since, expires }: ImportedSuppression,
  by: string,
  id: string,
): Command {
  const end = expires === undefined ? {} : { until: expires };
  return { kind: "entry", id, reason, scope, note, at: since, source: "import", by, ...end };
}
