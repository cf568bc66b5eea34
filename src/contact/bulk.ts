// Decisions about many contacts at once: to lift what is in force, to release or drop what a storm holds. A request works
// off one step and says where the next one goes on, so no list is too long. Each contact decides for itself, and
// remembers the decision under the id of all of them, by which it is taken back.

import type { Decision, EvidenceRange } from "../model/suppression/decision.ts";
import type { SuppressionReason } from "../model/suppression/policy.ts";
import { listSuppressionsAcross } from "../store/across/suppressions.ts";
import { storeOf } from "../store/db.ts";
import { shardsOf } from "../store/shards.ts";
import {
  decidedContacts,
  noteBulkDecision,
  noteUndone,
  type BulkDecision,
} from "../store/suppressions/bulk.ts";
import type { SuppressionCursor, SuppressionFilter } from "../store/suppressions/list.ts";
import type { Command } from "./commands.ts";
import { sendCommands } from "./send-commands.ts";

/** How many contacts one step decides about at most. */
export const MOST_DECIDED = 200;
/** How many pages of a list one step reads at most, to find contacts that pass the filter. */
const MOST_PAGES = 10;

/** What a decision in bulk is about: one reason, list, source, ... at most. `domain`: without "@". */
export interface BulkFilter extends Pick<SuppressionFilter, "import" | "since" | "until"> {
  reason?: SuppressionReason | undefined;
  source?: string | undefined;
  scope?: string | undefined;
  destination?: string | undefined;
  domain?: string | undefined;
}

/** The filter of the list of what a decision of this kind is about. */
export function listedBy(
  { reason, source, scope, destination, domain, ...rest }: BulkFilter,
  kind: Decision["kind"],
): SuppressionFilter {
  const one = <T>(value: T | undefined): T[] | undefined => (value === undefined ? undefined : [value]);
  const values = { reason: one(reason), source: one(source), scope: one(scope) };
  const places = { destination: one(destination), domain: one(domain) };
  return { ...rest, ...values, ...places, state: kind === "lift" ? "in_force" : "held", now: Date.now() };
}

/** A decision in bulk. `at`: ms since the epoch; `by`: the name of the token. */
export interface BulkOrder extends Pick<BulkDecision, "id" | "kind" | "by" | "note" | "at"> {
  filter: BulkFilter;
}

/**
 * Works off a step of a decision, behind `after`. Resolves to how many contacts it changed, and to where the next step
 * begins; null at the end. The same step again changes nothing more. Rejects if a contact or the database does not
 * answer.
 */
export async function decideInBulk(
  env: Env,
  order: BulkOrder,
  after: SuppressionCursor | undefined,
): Promise<{ contacts: number; next: SuppressionCursor | null }> {
  const filter = listedBy(order.filter, order.kind);
  const contacts = new Set<string>();
  let next: SuppressionCursor | null | undefined = after;
  for (let page = 0; page < MOST_PAGES && next !== null && contacts.size < MOST_DECIDED; page++) {
    const most = MOST_DECIDED - contacts.size;
    const found = await listSuppressionsAcross(shardsOf(env), filter, next ?? undefined, most);
    for (const { contact } of found.items) contacts.add(contact);
    next = found.next;
  }
  return { contacts: await decideAbout(env, order, [...contacts]), next: next ?? null };
}

/** Decides about these contacts. Resolves to how many of them changed. Rejects like {@link decideInBulk}. */
export async function decideAbout(
  env: Env,
  { filter, ...order }: BulkOrder,
  contacts: readonly string[],
): Promise<number> {
  if (contacts.length === 0) return 0;
  await noteBulkDecision(storeOf(env), { ...order, filter: JSON.stringify(filter) }, contacts);
  const { reason = null, scope = null } = filter;
  const { id, kind, by, note } = order;
  const command: Command = { kind, id, by, note, reason, scope, range: rangeOf(filter) };
  return await sendToAll(env, contacts, command);
}

/** Only a filter that names a time, a source or an import leaves evidence of the same contact out. */
function rangeOf({ since, until, source, import: of }: BulkFilter): EvidenceRange | undefined {
  if (since === undefined && until === undefined && source === undefined && of === undefined)
    return undefined;
  return {
    since: since ?? 0,
    until: until ?? Number.MAX_SAFE_INTEGER,
    ...(source === undefined ? {} : { source }),
    ...(of === undefined ? {} : { import: of }),
  };
}

async function sendToAll(env: Env, contacts: readonly string[], command: Command): Promise<number> {
  const { answers } = await sendCommands(env, new Map(contacts.map((contact) => [contact, [command]])));
  return [...answers.values()].filter(({ changed }) => changed.includes(true)).length;
}

/**
 * Takes a step of a decision back, behind the contact `after`: its suppressions are as if it had never been made.
 * `by`: the name of the token. Resolves and rejects like {@link decideInBulk}.
 */
export async function undoInBulk(
  env: Env,
  { id, by, after }: { id: string; by: string; after: string },
): Promise<{ contacts: number; next: string | null }> {
  const db = storeOf(env);
  await noteUndone(db, id, by, Date.now());
  const contacts = await decidedContacts(db, id, after, MOST_DECIDED);
  const changed = await sendToAll(env, contacts, { kind: "undo", id });
  return { contacts: changed, next: contacts.length < MOST_DECIDED ? null : (contacts.at(-1) ?? null) };
}
