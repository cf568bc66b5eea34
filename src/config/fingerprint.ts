// Fingerprints of credentials: what is stored and shown in place of a secret, so that a person who replaces one sees
// whether the old one is still in use. 32 bits tell a source's few credentials apart and give none of them away.

import { memoize } from "../lib/memoize.ts";
import { sha256Hex } from "../lib/sha256.ts";

const DIGITS = 8;

/** The first eight hexadecimal digits of the SHA-256 of a credential as it stands in SOURCE_CREDENTIALS. */
export const fingerprintOf = memoize((credential) => sha256Hex(credential).slice(0, DIGITS));
