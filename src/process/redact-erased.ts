// What was under way when somebody was erased: it is taken out of a delivery before anything of the delivery is kept.
// Events meet the tombstone in the contact's object; what cannot be read is searched for the addresses of all who were
// erased lately, of whom only keyed hashes are known.

import { configOf, settingsOf, type Config } from "../config/config.ts";
import { redactAll } from "../erasure/redact.ts";
import { rewriteBatch } from "../erasure/rewrite.ts";
import { within } from "../lib/deadline.ts";
import type { Envelope } from "../model/envelope.ts";
import { addressesIn, mentions } from "../model/address-search.ts";
import { GAP } from "../store/dead-letters.ts";
import { hashesOf } from "../store/erasure/erased.ts";
import { erasedAt } from "../store/erasure/erasures.ts";
import { hasRejects, type NewEvent, type ParsedEnvelope } from "./parse.ts";
import { storeOf } from "../store/db.ts";

const DEADLINE = 30_000;
/** Addresses of one text that are looked up. */
const MOST_ADDRESSES = 20_000;

/** A parsed envelope in which nobody stands who was erased after it was received. Only such envelopes are archived. */
export interface RedactedEnvelope extends ParsedEnvelope {
  readonly redacted: true;
}

/**
 * Takes erased contacts out of the envelopes: those whose claims were refused, and those that rejects name. Resolves to
 * each envelope as it may be archived. Rejects where the bucket or the database is unavailable.
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
  // The one of a long body is there already; what this run archives itself is not yet.
  await within(DEADLINE, "the archive", rewriteBatch(env.BUCKET, parsed.batch, [...erased], config));
  return { ...parsed, envelope: left.envelope, rejects, redacted: true };
}

/** For each text, the contacts in it that were erased after its envelope was received. */
async function lookUp(texts: readonly { envelope: Envelope; text: string }[], env: Env): Promise<string[][]> {
  if (texts.length === 0) return [];
  const own = texts.map(({ text }) => addressesIn(text, MOST_ADDRESSES));
  const hashes = await within(DEADLINE, "the bucket", hashesOf(env.BUCKET, new Set(own.flat())));
  if (hashes.size === 0) return [];
  const found = await within(DEADLINE, "the database", erasedAt(storeOf(env), hashes.keys()));
  const times = new Map([...found].map(([hash, at]) => [hashes.get(hash), at]));
  return texts.map(({ envelope }, index) =>
    (own[index] ?? []).filter((address) => (times.get(address) ?? -Infinity) >= envelope.receivedAt),
  );
}

/** The envelope without anybody who was erased after it was received. */
export async function withoutErased(envelope: Envelope, env: Env): Promise<Envelope> {
  const { url, headers, body } = envelope;
  const text = [new TextDecoder().decode(body), url, ...headers.map(([, value]) => value)].join("\n");
  const [contacts = []] = await lookUp([{ envelope, text }], env);
  if (contacts.length === 0) return envelope;
  const settings = settingsOf(configOf(env), envelope.source);
  return redactAll(envelope, contacts, settings)?.envelope ?? envelope;
}
