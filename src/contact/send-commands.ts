// What people order about contacts, carried out: the contact's object first, which knows the order of things, then the
// database. Where the second fails the caller gets 503 and asks again: the object has nothing left to do, the database has.

import type { CommandAnswer, Command } from "./commands.ts";
import { within } from "../lib/deadline.ts";
import { newId } from "../lib/time-id.ts";
import { changeOf } from "../store/write/rows.ts";
import { storeContacts } from "../store/suppressions/suppressions.ts";
import { storeOf } from "../store/db.ts";

const AT_ONCE = 64;
/** ms for all objects, and then for the database. */
const DEADLINE = 20_000;

export interface SentCommands {
  /** By contact. */
  answers: ReadonlyMap<string, CommandAnswer>;
  /** Whether the database learnt anything, be it by this or by what an earlier order left undone. */
  stored: boolean;
}

/** Carries out orders by contact. Rejects where an object or the database does not answer; asking again completes it. */
export async function sendCommands(
  env: Env,
  orders: ReadonlyMap<string, readonly Command[]>,
): Promise<SentCommands> {
  const answers = new Map<string, CommandAnswer>();
  const waiting = [...orders];
  const worker = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const [contact, own] = next;
      answers.set(contact, await env.CONTACTS.getByName(contact).execute([...own]));
    }
  };
  const workers = Array.from({ length: Math.min(AT_ONCE, waiting.length) }, worker);
  try {
    await within(DEADLINE, "the contacts", Promise.all(workers));
  } finally {
    waiting.length = 0; // where one failed or hangs, the others call nobody else
  }
  const changes = [...answers].flatMap(([contact, { snapshot }]) =>
    snapshot.version > 0 ? [changeOf(contact, snapshot)] : [],
  );
  return { answers, stored: await within(DEADLINE, "the database", storeContacts(storeOf(env), changes)) };
}

/** One order to one contact; what {@link sendCommands} says holds. */
export async function sendCommand(
  env: Env,
  contact: string,
  order: Command,
): Promise<{ effective: boolean; snapshot: CommandAnswer["snapshot"] }> {
  const { answers, stored } = await sendCommands(env, new Map([[contact, [order]]]));
  const answer = answers.get(contact);
  if (answer === undefined) throw new Error("a contact gave no answer");
  return { effective: stored || answer.changed.includes(true), snapshot: answer.snapshot };
}

/** A new id for an order. */
export function newCommandId(): string {
  return newId(Date.now());
}
