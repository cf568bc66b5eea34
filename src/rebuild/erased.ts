// Keeps erased contacts away from what a rebuild restores. Their requests came back from the journal by their hashes, so
// that everything read is looked up by hash. An address that is still in the bucket belongs to an erasure that was under
// way when the database was lost, and which goes on as soon as it is found.

import { redactAll } from "../erasure/redact.ts";
import { settingsOf, type Config } from "../config/config.ts";
import type { Envelope } from "../model/envelope.ts";
import { erasedIn } from "../process/redact-erased.ts";
import { storeOf } from "../store/db.ts";
import { findKey, hashesOf } from "../store/erasure/erased.ts";
import { erasedAt, lastErasedAt } from "../store/erasure/erasures.ts";
import { reopenErasure } from "../store/rebuild/erasures.ts";

/** Looks for erased contacts. */
export interface ErasedLookup {
  /** The envelope without the contacts that were erased after its receipt; the same object if there are none. */
  redact(envelope: Envelope): Promise<Envelope>;
  /** Those of the contacts that were erased at their time (ms) or later. */
  among(times: ReadonlyMap<string, number>): Promise<Set<string>>;
}

/** Prepares the lookup. `now`: ms. Rejects, as its functions do, if the bucket or the database is unavailable. */
export async function lookUpErased(env: Env, config: Config, now: number): Promise<ErasedLookup> {
  const latest = await lastErasedAt(storeOf(env), now);
  // Another isolate may have made the key since this one missed it, and nobody who was erased may come back for that.
  await findKey(env.BUCKET);
  return {
    redact: async (envelope) => {
      if (envelope.receivedAt > latest) return envelope;
      const contacts = await erasedIn(envelope, env);
      if (contacts.length === 0) return envelope;
      await reopen(env, contacts);
      return redactAll(envelope, contacts, settingsOf(config, envelope.source))?.envelope ?? envelope;
    },
    among: async (times) => {
      const hashes = await hashesOf(env.BUCKET, times.keys());
      if (hashes.size === 0) return new Set();
      const erased = [...(await erasedAt(storeOf(env), hashes.keys()))].flatMap(([hash, at]) => {
        const contact = hashes.get(hash) ?? "";
        return at >= (times.get(contact) ?? Infinity) ? [contact] : [];
      });
      await reopen(env, erased);
      return new Set(erased);
    },
  };
}

async function reopen(env: Env, contacts: readonly string[]): Promise<void> {
  for (const [hash, contact] of await hashesOf(env.BUCKET, contacts))
    await reopenErasure(storeOf(env), hash, contact);
}
