// Sends people's commands to the contacts' objects and stores the new states in the database. The object comes first,
// because it decides the order of all changes. If the database fails, the caller gets 503 and repeats the call: then
// the object has nothing left to change, and the database gets the state.
//
// What people decided is written into the journal in between (src/store/bucket/journal.ts): the object has it already, and
// nobody was told yet. If the bucket fails, the caller repeats the call likewise, and the journal gets the state then.
//
// Imported suppressions may still be pending in the database (src/contact/import.ts). The object takes them over before
// it gets the commands, so that each command finds everything that was in force.

import type { CommandAnswer, Command } from "./commands.ts";
import { checkJurisdiction, contactOf } from "../config/objects.ts";
import { within } from "../lib/deadline.ts";
import { inPool } from "../lib/pool.ts";
import { newId } from "../lib/time-id.ts";
import { putJournal } from "../store/bucket/journal.ts";
import { changeOf } from "../store/write/rows.ts";
import type { Pending } from "../store/suppressions/imported.ts";
import { pendingAmong, storeChanges } from "./store-changes.ts";

/** How many calls may be in progress at once. */
const AT_ONCE = 64;
/** Deadline for all objects together, and again for the database, ms. */
const DEADLINE = 20_000;

/** The result of {@link sendCommands}. */
export interface SentCommands {
  /** The answers by contact. */
  answers: ReadonlyMap<string, CommandAnswer>;
  /**
   * Whether the database changed, because of these commands or because an earlier call had failed to store its result.
   */
  stored: boolean;
}

/** Sends commands, by contact. Rejects if an object or the database does not answer; a repeated call completes them. */
export async function sendCommands(
  env: Env,
  commands: ReadonlyMap<string, readonly Command[]>,
): Promise<SentCommands> {
  const answers = new Map<string, CommandAnswer>();
  const pending = await pendingOf(env, commands.keys());
  await eachContact(env, commands, async (contact, list) => {
    const before = pending.get(contact) ?? [];
    const answer = await contactOf(env, contact).execute([...before, ...list]);
    answers.set(contact, { ...answer, changed: answer.changed.slice(before.length) });
  });
  const changes = [...answers].flatMap(([contact, { snapshot }]) =>
    snapshot.version > 0 ? [changeOf(contact, snapshot)] : [],
  );
  const decided = changes.filter(({ contact }) => commands.get(contact)?.some(isDecision) === true);
  const acts = decided.map((change) => ({ kind: "contact" as const, ...change }));
  await within(DEADLINE, "the bucket", putJournal(env.BUCKET, acts));
  const taken = [...pending].flatMap(([contact, list]) => list.map(({ id }) => [contact, id] as const));
  const stored = await storeChanges(env, changes, taken);
  return { answers, stored: stored && taken.length === 0 };
}

/** Whether a person decided this. The other commands follow from what is stored, so a rebuilt database needs no line. */
const isDecision = ({ kind }: Command): boolean =>
  kind !== "take over" && kind !== "hold" && kind !== "expire";

/** For each of the commands, by contact, whether it would change anything. Rejects like {@link sendCommands}. */
export async function previewCommands(
  env: Env,
  commands: ReadonlyMap<string, readonly Command[]>,
): Promise<ReadonlyMap<string, boolean[]>> {
  const answers = new Map<string, boolean[]>();
  const pending = await pendingOf(env, commands.keys());
  await eachContact(env, commands, async (contact, list) => {
    const before = pending.get(contact) ?? [];
    const changed = await contactOf(env, contact).preview([...before, ...list]);
    answers.set(contact, changed.slice(before.length));
  });
  return answers;
}

async function eachContact(
  env: Env,
  commands: ReadonlyMap<string, readonly Command[]>,
  call: (contact: string, list: readonly Command[]) => Promise<void>,
): Promise<void> {
  const deadline = { ms: DEADLINE, of: "the contacts" };
  await checkJurisdiction(env);
  await inPool(
    [...commands],
    { atOnce: AT_ONCE, deadline },
    async ([contact, list]) => await call(contact, list),
  );
}

/** The commands by which these contacts take over what is pending. */
async function pendingOf(env: Env, contacts: Iterable<string>) {
  const pending = await pendingAmong(env, [...contacts]);
  const commands = pending.map((one: Pending) => ({ ...one, kind: "take over" as const }));
  return Map.groupBy(commands, ({ contact }) => contact);
}

/**
 * Sends one command to one contact. Resolves to whether anything changed, in the object or in the database, and to the
 * state. Rejects like {@link sendCommands}.
 */
export async function sendCommand(
  env: Env,
  contact: string,
  command: Command,
): Promise<{ effective: boolean; snapshot: CommandAnswer["snapshot"] }> {
  const { answers, stored } = await sendCommands(env, new Map([[contact, [command]]]));
  const answer = answers.get(contact);
  if (answer === undefined) throw new Error("a contact gave no answer");
  return { effective: stored || answer.changed.includes(true), snapshot: answer.snapshot };
}

/** Generates a new id for a command. */
export function newCommandId(): string {
  return newId(Date.now());
}
