// Redacts contacts from deliveries that were under way when the contacts were erased, before anything of such a
// delivery is stored. Events of erased contacts are recognised by the tombstone in the contact's object. Reports of
// others may mention them, too, and so may elements that cannot be parsed. So a delivery that was received before the
// latest erasure is searched for addresses that were erased since, of which only keyed hashes are known.

import { configOf, settingsOf, type Config } from "../config/config.ts";
import { redactAll } from "../erasure/redact.ts";
import { withoutMention, type Leaving } from "../erasure/mentions.ts";
import { rewriteBatch } from "../erasure/rewrite.ts";
import { isOthersReport } from "../erasure/whose.ts";
import { within } from "../lib/deadline.ts";
import type { Envelope } from "../model/envelope.ts";
import { mentions } from "../model/address-search.ts";
import { addressesIn } from "../model/addresses-in.ts";
import { GAP } from "../store/dead-letters.ts";
import { hashesOf } from "../store/erasure/erased.ts";
import { erasedAt, lastErasedAt } from "../store/erasure/erasures.ts";
import type { NewEvent, ParsedEnvelope } from "./parse.ts";
import { storeOf } from "../store/db.ts";

/** Deadline for each call to the bucket or the database, ms. */
const DEADLINE = 30_000;
/** How many addresses are looked up at once: their hashes are one value of a query, which may have 2 MB. */
const PORTION = 10_000;

/** A parsed envelope without the contacts that were erased after its receipt. Only such envelopes are archived. */
export interface RedactedEnvelope extends ParsedEnvelope {
  readonly redacted: true;
  /** The contacts that were redacted. The rows of its events must not mention them either. */
  readonly left: readonly Leaving[];
}

/**
 * Redacts erased contacts from the envelopes: those of the `refused` events, and those whose addresses are mentioned.
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
  const latest = await latestErasure(env);
  const late = envelopes.filter(({ envelope }) => envelope.receivedAt <= latest);
  const named = await lookUp(
    late.map(({ envelope }) => ({ envelope, text: textOf(envelope) })),
    env,
  );
  for (const [index, parsed] of late.entries())
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
  if (left === null) return { ...parsed, redacted: true, left: [] };
  const rejects = parsed.rejects.map((reject) => ({ ...reject, raw: rawWithout(reject.raw, erased) }));
  // A long body is in the archive already, so its object is rewritten. Envelopes that this run archives are not there
  // yet.
  await within(DEADLINE, "the archive", rewriteBatch(env.BUCKET, parsed.batch, [...erased], config));
  const leaving = [...erased].map((contact) => ({ contact, until: Infinity }));
  return { ...parsed, envelope: left.envelope, rejects, redacted: true, left: leaving };
}

/** What remains of an unread element: a gap if it was about an erased contact. */
function rawWithout(raw: string, erased: ReadonlySet<string>): string {
  let left = raw;
  for (const contact of erased) {
    if (!mentions(left, contact)) continue;
    if (!isOthersReport(left, contact)) return GAP;
    left = withoutMention(left, contact);
  }
  return left;
}

/** When the latest erasure took effect, ms; -Infinity if there was none lately. */
async function latestErasure(env: Env): Promise<number> {
  const hashes = await within(DEADLINE, "the bucket", hashesOf(env.BUCKET, [""]));
  if (hashes.size === 0) return -Infinity; // nobody was ever erased
  return await within(DEADLINE, "the database", lastErasedAt(storeOf(env), Date.now()));
}

/** For each text, the contacts in it that were erased after the receipt of its envelope. */
async function lookUp(texts: readonly { envelope: Envelope; text: string }[], env: Env): Promise<string[][]> {
  const found: string[][] = [];
  for (const { envelope, text } of texts) {
    const times = await erasureTimes(text, env);
    found.push([...times].flatMap(([address, at]) => (at >= envelope.receivedAt ? [address] : [])));
  }
  return found;
}

/** When the contacts that a text names were erased, by address. All addresses are looked up, however many there are. */
async function erasureTimes(text: string, env: Env): Promise<Map<string, number>> {
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
  const contacts = await erasedIn(envelope, env);
  if (contacts.length === 0) return envelope;
  const settings = settingsOf(configOf(env), envelope.source);
  return redactAll(envelope, contacts, settings)?.envelope ?? envelope;
}

/** The contacts in an envelope that were erased after its receipt. Rejects like {@link withoutErased}. */
export async function erasedIn(envelope: Envelope, env: Env): Promise<string[]> {
  const [contacts = []] = await lookUp([{ envelope, text: textOf(envelope) }], env);
  return contacts;
}

/** Everything in a delivery that may contain an address. */
function textOf({ url, headers, body }: Envelope): string {
  return [new TextDecoder().decode(body), url, ...headers.map(([, value]) => value)].join("\n");
}
