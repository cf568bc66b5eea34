// Imports suppressions from another system's list. A call to a contact's object takes milliseconds, and a new object
// some more, which is too long for a list of a hundred thousand. So the object is asked only where it decides anything:
//   - What stands in the database already, since then or earlier, changes nothing.
//   - A contact of which the database knows nothing has nothing that could speak against the suppression. It is written
//     into the database at once, pending, and its object takes it over later: before any command (send-commands.ts),
//     before an erasure, or by a scheduled job.
//   - All others get a command.

import { within } from "../lib/deadline.ts";
import { MINUTE } from "../lib/time.ts";
import type { SuppressionReason } from "../model/suppression/policy.ts";
import type { Suppression } from "../model/suppression/fold.ts";
import { putJournal } from "../store/bucket/journal.ts";
import { shardsOf } from "../store/shards.ts";
import { forEach } from "../store/shards/each.ts";
import { findPendingContacts, findStanding, type Standing } from "../store/suppressions/imported.ts";
import { changeOf, type ContactChange } from "../store/write/rows.ts";
import type { Command } from "./commands.ts";
import { newCommandId, previewCommands, sendCommands } from "./send-commands.ts";
import { storeImported } from "./store-changes.ts";

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

/** What a row did: a suppression is new, or in force since an earlier time than before, or nothing changed. */
export type Outcome = "added" | "changed" | "unchanged";

/** An import. `id`: its entries' ids begin with it; `by`: the name of the token; `now`: ms. */
export interface Import {
  id: string;
  by: string;
  now: number;
  /** Finds out what would happen, and changes nothing. */
  isDry: boolean;
}

/** Deadline of each call to the database, ms. */
const DEADLINE = 20_000;

/**
 * Imports suppressions, some hundred at a time. Resolves to what each of them did. The same import again changes nothing.
 * Rejects if a contact or the database does not answer; a repeated call completes it.
 */
export async function importSuppressions(
  env: Env,
  suppressions: readonly ImportedSuppression[],
  about: Import,
): Promise<Outcome[]> {
  const contacts = [...new Set(suppressions.map(({ contact }) => contact))];
  const { standing, known } = await standingAmong(env, contacts, about.now);
  const since = new Map<string, number>();
  for (const { at, ...of } of standing) since.set(keyOf(of), Math.min(at, since.get(keyOf(of)) ?? Infinity));
  const outcomes: Outcome[] = [];
  const fresh = new Map<string, Suppression>();
  const asked: { row: number; contact: string; command: Command }[] = [];
  for (const [row, one] of suppressions.entries()) {
    const key = keyOf(one);
    const before = since.get(key);
    const at = one.since ?? about.now;
    outcomes[row] = before === undefined ? "added" : before <= at ? "unchanged" : "changed";
    if (outcomes[row] === "unchanged") continue;
    since.set(key, at);
    if (known.has(one.contact) || one.expires !== undefined)
      asked.push({ row, contact: one.contact, command: commandOf(one, about) });
    else fresh.set(key, freshOf(one, at, about));
  }
  if (!about.isDry) {
    const changes = changesOf(suppressions, fresh, Date.now());
    // First: what the caller is told of must be in the journal. A line too many is in force after a rebuild, as asked.
    const acts = changes.map((change) => ({ kind: "contact" as const, pending: true as const, ...change }));
    await within(DEADLINE, "the bucket", putJournal(env.BUCKET, acts));
    await storeImported(env, changes);
  }
  for (const row of await unchangedOf(env, asked, about.isDry)) outcomes[row] = "unchanged";
  return outcomes;
}

/** What the databases of these contacts know of them. */
async function standingAmong(
  env: Env,
  contacts: readonly string[],
  now: number,
): Promise<{ standing: Standing[]; known: Set<string> }> {
  const groups = await shardsOf(env).group(contacts, String);
  const asked = forEach([...groups], async ([{ db }, some]) => await findStanding(db, some, now));
  const found = await within(DEADLINE, "the database", asked);
  return {
    standing: found.flatMap(({ standing }) => standing),
    known: new Set(found.flatMap(({ known }) => [...known])),
  };
}

/** No part but the scope may contain a space. */
const keyOf = ({
  contact,
  reason,
  scope,
}: Pick<ImportedSuppression, "contact" | "reason" | "scope">): string => `${contact} ${reason} ${scope}`;

function commandOf(
  { reason, scope, note, since, expires }: ImportedSuppression,
  { id, by }: Import,
): Command {
  const end = expires === undefined ? {} : { until: expires };
  const entry = {
    id: `${id}.${newCommandId()}`,
    reason,
    scope,
    note,
    at: since,
    source: "import",
    by,
    ...end,
  };
  return { kind: "entry", ...entry };
}

function freshOf({ reason, scope, note }: ImportedSuppression, at: number, { id, by }: Import): Suppression {
  const lifted = { lifted_at: null, lifted_by: null, lift_note: null, held: null };
  return { reason, scope, event: `${id}.${newCommandId()}`, source: "import", at, by, note, ...lifted };
}

function changesOf(
  suppressions: readonly ImportedSuppression[],
  fresh: ReadonlyMap<string, Suppression>,
  version: number,
): ContactChange[] {
  const byContact = Map.groupBy(
    new Map(suppressions.map((one) => [keyOf(one), one.contact])),
    ([, contact]) => contact,
  );
  return [...byContact].flatMap(([contact, keys]) => {
    const own = keys.flatMap(([key]) => fresh.get(key) ?? []).toSorted((a, b) => a.at - b.at);
    return own.length === 0 ? [] : [changeOf(contact, { version, suppressions: own })];
  });
}

/** The rows whose command changes nothing: a lift since then ended what they say. */
async function unchangedOf(
  env: Env,
  asked: readonly { row: number; contact: string; command: Command }[],
  isDry: boolean,
): Promise<number[]> {
  if (asked.length === 0) return [];
  const byContact = Map.groupBy(asked, ({ contact }) => contact);
  const commands = new Map(
    [...byContact].map(([contact, list]) => [contact, list.map(({ command }) => command)]),
  );
  const changed = isDry
    ? await previewCommands(env, commands)
    : new Map(
        [...(await sendCommands(env, commands)).answers].map(([contact, answer]) => [
          contact,
          answer.changed,
        ]),
      );
  return [...byContact].flatMap(([contact, list]) =>
    list.flatMap(({ row }, i) => (changed.get(contact)?.[i] === true ? [] : [row])),
  );
}

/** Contacts that take over at a time, and at most in a run. */
const A_STEP = 100;
const A_RUN = 5_000;
/** How long a run begins new steps, and how long one of them may take if another is to follow, ms. */
const RUN = 12_000;
const SLOW = 2_000;
/** How long a suppression is pending at least, ms, so that new objects are not made while their import goes on. */
const SETTLES = 2 * MINUTE;

/**
 * Lets contacts take over what is pending for some time, as long as their objects answer quickly. Resolves to how many
 * did. `now`: ms. Rejects like {@link importSuppressions}. Several databases take turns, and one that fails is done with.
 */
export async function takeOverImports(env: Env, now: number): Promise<number> {
  const began = Date.now();
  let contacts = 0;
  let failure: { error: unknown } | null = null;
  const waiting = [...shardsOf(env).all];
  for (let last = began; contacts < A_RUN && Date.now() < began + RUN;) {
    const shard = waiting.shift();
    if (shard === undefined) break;
    try {
      const some = await findPendingContacts(shard.db, now - SETTLES, A_STEP);
      await takeOverOf(env, some);
      contacts += some.length;
      const took = Date.now() - last;
      last += took;
      if (took > SLOW) break;
      if (some.length > 0) waiting.push(shard);
    } catch (error) {
      failure ??= { error };
    }
  }
  if (failure !== null) throw failure.error;
  return contacts;
}

/** Lets these contacts take over what is pending for them. Rejects like {@link importSuppressions}. */
export async function takeOverOf(env: Env, contacts: readonly string[]): Promise<void> {
  if (contacts.length > 0) await sendCommands(env, new Map(contacts.map((contact) => [contact, []])));
}
