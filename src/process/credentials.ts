// Notes which credentials proved what was stored. It comes after the acknowledgements and may fail: then the next
// request with this credential is noted in its place.

import { cappedCache, type CappedCache } from "../lib/capped-cache.ts";
import { within } from "../lib/deadline.ts";
import { describeError } from "../lib/outage.ts";
import type { Envelope } from "../model/envelope.ts";
import { CREDENTIAL_GRAIN, noteCredentialUses, type CredentialUse } from "../store/credentials.ts";
import { storeOf } from "../store/db.ts";
import { originalOf } from "../store/outages.ts";

/** How long a batch may wait for that, ms. */
const DEADLINE = 3_000;
const MOST_KNOWN = 1_000;

/** When this isolate last noted each use, ms, by source and credential. */
const noted = new WeakMap<object, CappedCache<number>>();

/** The use of a credential by an envelope. `credential`: its fingerprint. */
export function useOf({ source, receivedAt }: Envelope, credential: string): CredentialUse {
  return { source, credential, at: receivedAt };
}

/** Notes the uses that this isolate has not noted for an hour. Never rejects. */
export async function noteCredentials(env: Env, uses: readonly CredentialUse[]): Promise<void> {
  const known = noted.get(originalOf(env)) ?? cappedCache<number>(MOST_KNOWN);
  noted.set(originalOf(env), known);
  const fresh = uses.filter((use) => use.at >= (known.get(keyOf(use)) ?? -Infinity) + CREDENTIAL_GRAIN);
  if (fresh.length === 0) return;
  try {
    await within(DEADLINE, "the database", noteCredentialUses(storeOf(env), fresh));
    for (const use of fresh) known.set(keyOf(use), Math.max(use.at, known.get(keyOf(use)) ?? 0));
  } catch (error) {
    console.warn({ message: "the use of a credential was not noted", ...describeError(error) });
  }
}

const keyOf = ({ source, credential }: CredentialUse): string => `${source} ${credential}`;
