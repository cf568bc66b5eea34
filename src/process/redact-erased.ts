// Redacts contacts from deliveries that were under way when the contacts were erased, before anything of such a
// delivery is stored. Events of erased contacts are recognised by the tombstone in the contact's object. Elements that
// cannot be parsed are searched for addresses that were erased lately, of which only keyed hashes are known.

import { configOf, settingsOf, type Config } from "../config/config.ts";
import { redactAll } from "../erasure/redact.ts";
import { rewriteBatch } from "../erasure/rewrite.ts";
import { within } from "../lib/deadline.ts";
import type { Envelope } from "../model/envelope.ts";
import { mentions } from "../model/address-search.ts";
import { addressesIn } from "../model/addresses-in.ts";
import { GAP } from "../store/dead-letters.ts";
import { hashesOf } from "../store/erasure/erased.ts";
import { erasedAt } from "../store/erasure/erasures.ts";
import { hasRejects, type NewEvent, type ParsedEnvelope } from "./parse.ts";
import { storeOf } from "../store/db.ts";

/** Deadline for each call to the bucket or the database, ms. */
const DEADLINE = 30_000;
/** How many addresses are looked up at once: their hashes are one value of a query, which may have 2 MB. */
const PORTION = 10_000;

/** A parsed envelope without the contacts that were erased after its receipt. Only such envelopes are archived. */
export interface RedactedEnvelope extends ParsedEnvelope {
  readonly redacted: true;
}

/**
 * Redacts erased contacts from the envelopes: those of the `refused` events, and those whose addresses are in rejects.
 * Resolves to each envelope in the form that may be archived. Rejects if the bucket or the database is unavailable.
 */
export async function redactErased(
  envelopes: readonly ParsedEnvelope[],
  refused: readonly NewEvent[],
  config: Config,
  env: Env,
): Promise<Map<ParsedEnvelope, RedactedEnvelope>> {
  const contacts = new Map<ParsedEnvelope, Set<string>>();
  const add = (parsed: ParsedEnvelope, contact: string): void => {
    contacts.set(parsed, (contacts.get(parsed) ?? new Set()).add(contact));
  };
  for (const { parsed, row } of refused) add(parsed, row.contact);
  const unread = envelopes.filter(hasRejects);
  const named = await lookUp(
    unread.map(({ envelope, rejects }) => ({ envelope, text: rejects.map(({ raw }) => raw).join("\n") })),
    env,
  );
  for (const [index, parsed] of unread.entries())
    for (const contact of named[index] ?? []) add(parsed, contact);
  const redacted = new Map<ParsedEnvelope, RedactedEnvelope>();
  for (const parsed of envelopes)
    redacted.set(parsed, await redactOne(parsed, contacts.get(parsed) ?? new Set(), config, env));
  return redacted;
}

async function redactOne(
  parsed: ParsedEnvelope,
  erased: ReadonlySet<string>,
  config: Config,
  env: Env,
): Promise<RedactedEnvelope> {
  const settings = settingsOf(config, parsed.envelope.source);
  const left = erased.size === 0 ? null : redactAll(parsed.envelope, erased, settings);
  if (left === null) return { ...parsed, redacted: true };
  const rejects = parsed.rejects.map((reject) =>
    [...erased].some((contact) => mentions(reject.raw, contact)) ? { ...reject, raw: GAP } : reject,
  );
  // A long body is in the archive already, so its object is rewritten. Envelopes that this run archives are not there
  // yet.
  await within(DEADLINE, "the archive", rewriteBatch(env.BUCKET, parsed.batch, [...erased], config));
  return { ...parsed, envelope: left.envelope, rejects, redacted: true };
}

/** For each text, the contacts in it that were erased after the receipt of its envelope. */
async function lookUp(texts: readonly { envelope: Envelope; text: string }[], env: Env): Promise<string[][]> {
  const found: string[][] = [];
  for (const { envelope, text } of texts) {
    const times = await erasedIn(text, env);
    found.push([...times].flatMap(([address, at]) => (at >= envelope.receivedAt ? [address] : [])));
  }
  return found;
}

/** When the contacts that a text names were erased, by address. All addresses are looked up, however many there are. */
async function erasedIn(text: string, env: Env): Promise<Map<string, number>> {
  const erased = new Map<string, number>();
  let portion = new Set<string>();
  const ask = async (): Promise<boolean> => {
    const hashes = await within(DEADLINE, "the bucket", hashesOf(env.BUCKET, portion));
    if (hashes.size === 0) return false; // nobody was ever erased
    const times = await within(DEADLINE, "the database", erasedAt(storeOf(env), hashes.keys()));
    for (const [hash, at] of times) erased.set(hashes.get(hash) ?? "", at);
    portion = new Set();
    return true;
  };
  for (const address of addressesIn(text))
    if (portion.add(address).size >= PORTION && !(await ask())) return erased;
  if (portion.size > 0) await ask();
  return erased;
}

/**
 * The envelope without the contacts that were erased after its receipt; the same object if there are none. Rejects if
 * the bucket or the database is unavailable.
 */
export async function withoutErased(envelope: Envelope, env: Env): Promise<Envelope> {
  const { url, headers, body } = envelope;
  const text = [new TextDecoder().decode(body), url, ...headers.map(([, value]) => value)].join("\n");
  const [contacts = []] = await lookUp([{ envelope, text }], env);
  if (contacts.length === 0) return envelope;
  const settings = settingsOf(configOf(env), envelope.source);
  return redactAll(envelope, contacts, settings)?.envelope ?? envelope;
}
