// Restores what people did by hand from the journal: erasures first, then the states of contacts, and pipes last.

import { takeOverOf } from "../contact/import.ts";
import { sendCommands } from "../contact/send-commands.ts";
import type { Command } from "../contact/commands.ts";
import { isInForce } from "../model/suppression/in-force.ts";
import { readActs, readErasures, type Act, type Line } from "../store/bucket/journal.ts";
import { storeOf } from "../store/db.ts";
import { restoreErasure } from "../store/rebuild/erasures.ts";
import { contactsBehind, type RestoredContact } from "../store/rebuild/contacts.ts";
import { movedOn, type Rebuild, type RebuildCounts } from "../store/rebuild/rebuilds.ts";
import { storePending } from "../store/suppressions/imported.ts";
import { storeContacts } from "../store/suppressions/suppressions.ts";
import type { Run } from "./step.ts";

/** Brings back the requests to erase somebody, the receipts, and the suppressions that outlive the contacts. */
export async function restoreErasures({ env }: Run, key: string): Promise<Partial<RebuildCounts>> {
  const lines = await readErasures(env.BUCKET, key);
  const statements = lines.flatMap((line) => restoreErasure(storeOf(env), line));
  if (statements.length > 0) await storeOf(env).batch(statements);
  return { acts: lines.length };
}

type ContactLine = Line<Extract<Act, { kind: "contact" }>>;

/**
 * Brings back the states of contacts as people left them: the latest state of each wins by its version. Those of erased
 * contacts stay away.
 */
export async function restoreActs({ env, erased }: Run, key: string): Promise<Partial<RebuildCounts>> {
  const lines = (await readActs(env.BUCKET, key)).filter(
    (line): line is ContactLine => line.kind === "contact",
  );
  const gone = await erased.among(new Map(lines.map(({ contact, at }) => [contact, at])));
  const own = lines.filter(({ contact }) => !gone.has(contact));
  await storePending(
    storeOf(env),
    own.filter(({ pending }) => pending === true),
  );
  await storeContacts(
    storeOf(env),
    own.filter(({ pending }) => pending !== true),
  );
  return { acts: own.length };
}

/** Contacts that one step asks. */
const A_STEP = 500;

/**
 * Asks the objects of all contacts that the journal named for their states, which may be newer than the journal: an event
 * may have come after the act. An object that knows nothing was lost as well. It takes over what people entered.
 */
export async function askContacts(run: Run, start: Rebuild): Promise<boolean> {
  const { env } = run;
  let { cursor } = start;
  while (Date.now() < run.until) {
    const contacts = await contactsBehind(storeOf(env), cursor, A_STEP);
    const last = contacts.at(-1);
    if (last === undefined) return true;
    await askSome(env, contacts);
    await movedOn(storeOf(env), { ...start, cursor }, last.contact, {}).run();
    cursor = last.contact;
  }
  return false;
}

async function askSome(env: Env, contacts: readonly RestoredContact[]): Promise<void> {
  const { answers } = await sendCommands(env, new Map(contacts.map(({ contact }) => [contact, []])));
  const lost = contacts.filter(({ contact }) => answers.get(contact)?.snapshot.version === 0);
  const commands = lost.flatMap((one): [string, Command[]][] => {
    const entries = entriesOf(one);
    return entries.length === 0 ? [] : [[one.contact, entries]];
  });
  if (commands.length > 0) await sendCommands(env, new Map(commands));
}

/** What people entered for the contact and is in force, as its object takes it over. */
function entriesOf({ version, suppressions }: RestoredContact): Command[] {
  return suppressions.flatMap(
    ({ by, reason, scope, source, at, note, event, expires_at = null, ...rest }) => {
      if (by === null || !isInForce({ ...rest, expires_at }, Date.now())) return [];
      const end = expires_at === null ? {} : { until: expires_at };
      return [
        { kind: "take over", version, id: event, reason, scope, source, at, by, note, ...end } as const,
      ];
    },
  );
}

/** Asks these contacts' objects, unless this run has asked them already, and stores their states. */
export async function askOnce({ env, asked }: Run, contacts: Iterable<string>): Promise<void> {
  const some = [...new Set(contacts)].filter((contact) => !asked.has(contact));
  for (let at = 0; at < some.length; at += A_STEP) await takeOverOf(env, some.slice(at, at + A_STEP));
  if (asked.size > MOST_ASKED) asked.clear();
  for (const contact of some) asked.add(contact);
}

/** Most contacts that a run remembers. */
const MOST_ASKED = 50_000;
