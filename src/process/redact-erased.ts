// What was under way when somebody was erased: it is taken out of a delivery before anything of the delivery is kept.
// Events meet the tombstone in the contact's object; what cannot be read is searched for the addresses of all who were
// erased lately, of whom only keyed hashes are known.

import { configOf, type Config } from "../config/config.ts";
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

/** Takes erased contacts out of the deliveries: those of the claims that were refused, and those that rejects name. */
export async function redactErased(
  group: readonly ParsedEnvelope[],
  refused: readonly NewEvent[],
  config: Config,
  env: Env,
): Promise<void> {
  const contacts = new Map<ParsedEnvelope, Set<string>>();
  for (const { parsed, row } of refused)
    contacts.set(parsed, (contacts.get(parsed) ?? new Set()).add(row.contact));
  const unread = group.filter(hasRejects);
  const named = await lookUp(
    unread.map(({ envelope, rejects }) => ({ envelope, text: rejects.map(({ raw }) => raw).join("\n") })),
    env,
  );
  for (const [index, parsed] of unread.entries())
    for (const contact of named[index] ?? [])
      contacts.set(parsed, (contacts.get(parsed) ?? new Set()).add(contact));
  for (const [parsed, gone] of contacts) await redactOne(parsed, gone, config, env);
}

async function redactOne(
  parsed: ParsedEnvelope,
  gone: ReadonlySet<string>,
  config: Config,
  env: Env,
): Promise<void> {
  const settings = config.sources.get(parsed.envelope.source)?.settings ?? {};
  const left = redactAll(parsed.envelope, gone, settings);
  if (left === null) return;
  parsed.rejects = parsed.rejects.map((reject) =>
    [...gone].some((contact) => mentions(reject.raw, contact)) ? { ...reject, raw: GAP } : reject,
  );
  parsed.envelope = left.envelope;
  // The one of a long body is there already; what this run archives itself is not yet.
  await within(DEADLINE, "the archive", rewriteBatch(env.BUCKET, parsed.batch, [...gone], config));
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
  const settings = configOf(env).sources.get(envelope.source)?.settings ?? {};
  return redactAll(envelope, contacts, settings)?.envelope ?? envelope;
}
